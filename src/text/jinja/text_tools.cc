#include "text/jinja/text_tools.h"

#include <algorithm>

#include "base/utf8.h"
#include "text/find_text.h"
#include "text/jinja/evaluator.h"
#include "text/jinja/unicode.h"

namespace cajal::jinja {

void charge_search(Evaluator& evaluator, std::string_view text, std::string_view wanted) {
  evaluator.budget().steps(text.size() / kBytesPerStep + wanted.size() / kBytesPerStep);
}

Parts split_left(Evaluator& evaluator, std::string_view text, std::string_view separator,
                 std::size_t most) {
  charge_search(evaluator, text, separator);
  const Finder finder(separator);
  Parts out;
  while (out.size() < most) {
    const std::size_t at = finder.next(text, 0);
    if (at == text.npos) {
      break;
    }
    out.emplace_back(text.substr(0, at));
    text.remove_prefix(at + separator.size());
  }
  out.emplace_back(text);
  return out;
}

Parts split_right(Evaluator& evaluator, std::string_view text, std::string_view separator,
                  std::size_t most) {
  charge_search(evaluator, text, separator);
  const BackwardFinder finder(separator);
  Parts out;
  while (out.size() < most) {
    const std::size_t at = finder.last(text);
    if (at == text.npos) {
      break;
    }
    out.emplace_back(text.substr(at + separator.size()));
    text = text.substr(0, at);
  }
  out.emplace_back(text);
  std::ranges::reverse(out);
  return out;
}

namespace {

/// Bytes up to the first space.
std::size_t word_length(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const CodePoint c = decode_utf8(text.substr(at));
    if (is_space(c.value)) {
      break;
    }
    at += c.length;
  }
  return at;
}

/// Where the last word of a text without spaces at its end begins.
std::size_t last_word(std::string_view text) {
  std::size_t at = text.size();
  while (at > 0) {
    std::size_t begin = at - 1;
    while (begin > 0 && (static_cast<unsigned char>(text[begin]) & 0xC0U) == 0x80U) {
      --begin;
    }
    if (is_space(decode_utf8(text.substr(begin)).value)) {
      break;
    }
    at = begin;
  }
  return at;
}

}  // namespace

Parts split_spaces(std::string_view text, std::size_t most) {
  Parts out;
  text = strip_left(text);
  while (!text.empty() && out.size() < most) {
    const std::size_t length = word_length(text);
    out.emplace_back(text.substr(0, length));
    text = strip_left(text.substr(length));
  }
  if (!text.empty()) {
    out.emplace_back(strip_right(text));
  }
  return out;
}

Parts split_spaces_right(std::string_view text, std::size_t most) {
  Parts out;
  text = strip_right(text);
  while (!text.empty() && out.size() < most) {
    const std::size_t begin = last_word(text);
    out.emplace_back(text.substr(begin));
    text = strip_right(text.substr(0, begin));
  }
  if (!text.empty()) {
    out.emplace_back(strip_left(text));
  }
  std::ranges::reverse(out);
  return out;
}

Parts lines_of(std::string_view text, Ends ends) {
  const auto is_break = [](char32_t c) {
    return (c >= 0x0A && c <= 0x0D) || (c >= 0x1C && c <= 0x1E) || c == 0x85 || c == 0x2028 ||
           c == 0x2029;
  };
  Parts out;
  std::size_t begin = 0;
  std::size_t at = 0;
  while (at < text.size()) {
    const CodePoint c = decode_utf8(text.substr(at));
    const std::size_t length = text.substr(at).starts_with("\r\n") ? 2 : c.length;
    if (is_break(c.value)) {
      out.emplace_back(text.substr(begin, at - begin + (ends == Ends::Keep ? length : 0)));
      begin = at + length;
    }
    at += length;
  }
  if (begin < text.size()) {
    out.emplace_back(text.substr(begin));
  }
  return out;
}

std::string replaced(Evaluator& evaluator, std::string_view text, std::string_view from,
                     std::string_view to, Int count) {
  std::string out;
  const auto more = [&count] { return count < 0 || count-- > 0; };
  evaluator.budget().bytes(text.size());
  charge_search(evaluator, text, from);
  const Finder finder(from);
  while (!text.empty() || from.empty()) {
    const std::size_t at = finder.next(text, 0);
    if (at == text.npos || !more()) {
      break;
    }
    evaluator.budget().bytes(to.size() + 1);
    out.append(text.substr(0, at)).append(to);
    if (!from.empty()) {
      text.remove_prefix(at + from.size());
    } else if (text.empty()) {
      return out;  // between all characters and at both ends
    } else {
      const std::size_t length = decode_utf8(text).length;
      out.append(text.substr(0, length));
      text.remove_prefix(length);
    }
  }
  return out.append(text);
}

bool all_in_case(std::string_view text, Case wanted) {
  bool any = false;
  for (const char32_t c : to_utf32(text)) {
    const bool right = wanted == Case::Upper ? is_upper(c) : is_lower(c);
    const bool wrong = wanted == Case::Upper ? is_lower(c) : is_upper(c);
    if (wrong) {
      return false;
    }
    any = any || right;
  }
  return any;
}

std::size_t checked_size(Evaluator& evaluator, Int bytes) {
  constexpr Int kFar = Int{1} << 50;
  const auto out = static_cast<std::uint64_t>(std::clamp(bytes, Int{0}, kFar));
  evaluator.budget().bytes(out);
  return out;
}

}  // namespace cajal::jinja
