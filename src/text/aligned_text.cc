#include "text/aligned_text.h"

#include "base/utf8.h"

namespace cajal {

TokenSpan AlignedText::source(ByteRange range) const noexcept {
  if (range.begin >= range.end) {
    return {};
  }
  return {spans[range.begin].begin, spans[range.end - 1].end};
}

AlignedText identity_text(std::string_view text, std::size_t offset, bool tracked, Growth* growth) {
  AlignedText out{std::string(text), {}, tracked, growth};
  if (tracked) {
    out.spans.reserve(text.size());
    for (std::size_t i = 0; i < text.size();) {
      const std::size_t length = decode_utf8(text.substr(i)).length;
      out.spans.insert(out.spans.end(), length, TokenSpan{offset + i, offset + i + length});
      i += length;
    }
  }
  return out;
}

AlignedText slice(const AlignedText& text, ByteRange range) {
  AlignedText out{std::string(text.view(range)), {}, text.tracked, text.growth};
  if (text.tracked) {
    out.spans.assign(text.spans.begin() + static_cast<std::ptrdiff_t>(range.begin),
                     text.spans.begin() + static_cast<std::ptrdiff_t>(range.end));
  }
  return out;
}

AlignedBuilder::AlignedBuilder(const AlignedText& old, std::string_view component)
    : old_(old), component_(component) {
  result_.tracked = old.tracked;
  result_.growth = old.growth;
  if (old.growth != nullptr) {
    old.growth->work(old.text.size(), component);
  }
  result_.text.reserve(old.text.size() + old.text.size() / 8 + 16);
  if (old.tracked) {
    result_.spans.reserve(old.text.size() + old.text.size() / 8 + 16);
  }
}

void AlignedBuilder::keep_until(std::size_t end) {
  check_room(end - position_);
  result_.text.append(old_.text, position_, end - position_);
  if (old_.tracked) {
    const auto from = old_.spans.begin();
    result_.spans.insert(result_.spans.end(), from + static_cast<std::ptrdiff_t>(position_),
                         from + static_cast<std::ptrdiff_t>(end));
  }
  position_ = end;
}

void AlignedBuilder::replace(char32_t c, std::size_t dropped) {
  const bool known = old_.tracked && position_ < old_.spans.size();
  append(c, known ? old_.spans[position_] : TokenSpan{});
  for (std::size_t i = 0; i <= dropped && position_ < old_.text.size(); ++i) {
    position_ += decode_utf8(std::string_view(old_.text).substr(position_)).length;
  }
}

void AlignedBuilder::insert(char32_t c) {
  append(c, old_.tracked && position_ > 0 ? old_.spans[position_ - 1] : TokenSpan{});
}

void AlignedBuilder::insert(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const CodePoint c = decode_utf8(text.substr(i));
    insert(c.value);
    i += c.length;
  }
}

void AlignedBuilder::append(char32_t c, TokenSpan span) {
  check_room(4);
  const std::size_t before = result_.text.size();
  append_utf8(result_.text, c);
  if (old_.tracked) {
    result_.spans.insert(result_.spans.end(), result_.text.size() - before, span);
  }
}

void AlignedBuilder::check_room(std::size_t more) const {
  if (old_.growth != nullptr) {
    old_.growth->check_size(result_.text.size() + more, component_);
  }
}

}  // namespace cajal
