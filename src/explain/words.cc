#include "explain/words.h"

#include "base/split.h"
#include "base/utf8.h"
#include "text/unicode.h"

namespace cajal {
namespace {

enum class Class : std::uint8_t { Letter, Digit, Other };

// From here on scripts of East Asia, which have no blanks between words.
constexpr char32_t kIdeographs = 0x2E80;
constexpr char32_t kHangul = 0xAC00;
constexpr char32_t kHangulEnd = 0xD7A4;

Class class_of(char32_t c) {
  if (c >= kIdeographs && (c < kHangul || c >= kHangulEnd)) {
    return Class::Other;
  }
  const auto table = category_table();
  const Category category = c < table.size() ? table[c] : Category::Cn;
  if (is_letter(category) || is_mark(category)) {
    return Class::Letter;
  }
  return is_number(category) ? Class::Digit : Class::Other;
}

bool goes_on(const std::string& before, const std::string& text) {
  if (text.empty() || before.empty()) {
    return false;
  }
  if ((static_cast<unsigned char>(text.front()) & 0xC0U) == 0x80U) {
    return !is_valid_utf8(before);
  }
  const Class last = class_of(to_utf32(before).back());
  return last != Class::Other && last == class_of(decode_utf8(text).value);
}

}  // namespace

std::vector<PromptWord> words_of(std::span<const std::string> tokens) {
  std::vector<PromptWord> out;
  for (std::uint32_t t = 0; t < tokens.size(); ++t) {
    if (!out.empty() && goes_on(out.back().text, tokens[t])) {
      out.back().last = t;
      out.back().text += tokens[t];
    } else {
      out.push_back({t, t, tokens[t]});
    }
  }
  for (PromptWord& word : out) {
    const std::string_view bare = trimmed(word.text, " \t");
    word.text = sanitize_utf8(bare.empty() ? word.text : bare);
  }
  return out;
}

}  // namespace cajal
