#include "text/sentencepiece_normalizer.h"

#include "base/utf8.h"
#include "text/growth.h"

namespace cajal {

SentencePieceNormalizer::SentencePieceNormalizer(const SentencePieceModel& model,
                                                 std::string_view where)
    : charsmap_(model.charsmap, where),
      add_dummy_prefix_(model.add_dummy_prefix),
      remove_extra_spaces_(model.remove_extra_spaces),
      space_is_suffix_(model.space_is_suffix),
      space_(model.escape_spaces ? "\u2581" : " ") {
  for (std::size_t i = 0; i < model.pieces.size(); ++i) {
    if (model.pieces[i].type == PieceType::UserDefined) {
      user_defined_.add(model.pieces[i].text, static_cast<std::int32_t>(i));
    }
  }
}

NormalizedPieces SentencePieceNormalizer::apply(std::string_view text) const {
  NormalizedPieces out;
  const Growth growth(text.size());
  std::size_t consumed = 0;
  if (remove_extra_spaces_) {
    while (consumed < text.size()) {
      const Step next = step(text.substr(consumed));
      if (next.replacement != " ") {
        break;
      }
      consumed += next.length;
    }
  }
  if (consumed == text.size()) {
    return out;
  }
  out.text.reserve(text.size() + text.size() / 2 + space_.size());
  if (add_dummy_prefix_ && !space_is_suffix_) {
    append_space(out, consumed);
  }
  bool after_space = remove_extra_spaces_;
  while (consumed < text.size()) {
    Step next = step(text.substr(consumed));
    while (after_space && next.replacement.starts_with(' ')) {
      next.replacement.remove_prefix(1);
    }
    if (!next.replacement.empty()) {
      growth.check_size(out.text.size() + next.replacement.size(), "precompiled_charsmap");
      append(out, next.replacement, consumed);
      after_space = remove_extra_spaces_ && next.replacement.ends_with(' ');
    }
    consumed += next.length;
  }
  if (remove_extra_spaces_) {
    drop_trailing_spaces(out, consumed);
  }
  if (add_dummy_prefix_ && space_is_suffix_) {
    append_space(out, consumed);
  }
  out.origin.push_back(consumed);
  return out;
}

SentencePieceNormalizer::Step SentencePieceNormalizer::step(std::string_view text) const {
  if (const ByteTrie::Match match = user_defined_.longest(text); match.length > 0) {
    return {text.substr(0, match.length), match.length};
  }
  if (const auto match = charsmap_.longest(text)) {
    return {match->replacement, match->length};
  }
  const CodePoint c = decode_utf8(text);
  return c.valid ? Step{text.substr(0, c.length), c.length} : Step{"\uFFFD", 1};
}

void SentencePieceNormalizer::append(NormalizedPieces& out, std::string_view text,
                                     std::size_t origin) const {
  for (const char c : text) {
    if (c == ' ') {
      append_space(out, origin);
    } else {
      out.text += c;
      out.origin.push_back(origin);
    }
  }
}

void SentencePieceNormalizer::append_space(NormalizedPieces& out, std::size_t origin) const {
  out.text += space_;
  out.origin.insert(out.origin.end(), space_.size(), origin);
}

void SentencePieceNormalizer::drop_trailing_spaces(NormalizedPieces& out,
                                                   std::size_t& consumed) const {
  while (out.text.ends_with(space_)) {
    const std::size_t length = out.text.size() - space_.size();
    consumed = out.origin[length];
    out.text.resize(length);
    out.origin.resize(length);
  }
}

}  // namespace cajal
