#include "text/scanners.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/utf8.h"
#include "text/known_patterns.h"
#include "text/unicode.h"

namespace cajal {
namespace {

// Classes of characters, one bit each, so that a set of classes is one test.
using Classes = std::uint16_t;
constexpr Classes kUpper = 1;      // Lu, Lt
constexpr Classes kLower = 2;      // Ll
constexpr Classes kCaseless = 4;   // Lm, Lo
constexpr Classes kMark = 8;       // M
constexpr Classes kNumber = 16;    // N
constexpr Classes kSpace = 32;     // \s but line ends
constexpr Classes kLineEnd = 64;   // \r \n
constexpr Classes kGraphic = 128;  // P, S
constexpr Classes kCjk = 256;      // [一-龥぀-ゟ゠-ヿ], beside what else it is
constexpr Classes kOther = 512;    // controls, unassigned
constexpr Classes kLetter = kUpper | kLower | kCaseless;
constexpr Classes kWhite = kSpace | kLineEnd;

Classes classes_of(char32_t c, Category category) noexcept {
  Classes out = kOther;
  if (c == '\r' || c == '\n') {
    return kLineEnd;
  }
  if (is_space(c)) {
    return kSpace;
  }
  if (category == Category::Lu || category == Category::Lt) {
    out = kUpper;
  } else if (category == Category::Ll) {
    out = kLower;
  } else if (is_letter(category)) {
    out = kCaseless;
  } else if (is_mark(category)) {
    out = kMark;
  } else if (is_number(category)) {
    out = kNumber;
  } else if (is_punctuation(category) || is_symbol(category)) {
    out = kGraphic;
  }
  const bool cjk = (c >= 0x4E00 && c <= 0x9FA5) || (c >= 0x3040 && c <= 0x30FF);
  return cjk ? static_cast<Classes>(out | kCjk) : out;
}

const std::vector<Classes>& class_table() {
  static const std::vector<Classes> table = [] {
    const auto categories = category_table();
    std::vector<Classes> out(categories.size());
    for (std::size_t c = 0; c < out.size(); ++c) {
      out[c] = classes_of(static_cast<char32_t>(c), categories[c]);
    }
    return out;
  }();
  return table;
}

/// A place in the text, with the class of the character there; Classes 0 at the end.
class Cursor {
 public:
  Cursor(std::string_view text, const Classes* table) noexcept : text_(text), table_(table) {}

  struct Character {
    Classes classes = 0;
    std::uint32_t length = 0;
  };
  Character at(std::size_t i) const noexcept {
    if (i >= text_.size()) {
      return {};
    }
    const auto byte = static_cast<unsigned char>(text_[i]);
    return byte < 0x80 ? Character{table_[byte], 1} : wide(i, byte);
  }
  char byte(std::size_t i) const noexcept { return i < text_.size() ? text_[i] : '\0'; }
  std::size_t size() const noexcept { return text_.size(); }
  std::string_view from(std::size_t i) const noexcept { return text_.substr(std::min(i, size())); }

  /// First place at or after `i` whose character is in none of `classes`.
  std::size_t run(std::size_t i, Classes classes) const noexcept {
    for (Character c = at(i); (c.classes & classes) != 0; c = at(i)) {
      i += c.length;
    }
    return i;
  }
  /// As run, over at most `most` characters.
  std::size_t run(std::size_t i, Classes classes, int most) const noexcept {
    for (Character c = at(i); most > 0 && (c.classes & classes) != 0; c = at(i), --most) {
      i += c.length;
    }
    return i;
  }

 private:
  // Valid UTF-8, so the first byte tells the length.
  Character wide(std::size_t i, unsigned char first) const noexcept {
    const auto next = [&](std::size_t k) {
      return static_cast<char32_t>(static_cast<unsigned char>(text_[i + k]) & 0x3FU);
    };
    if (first < 0xE0) {
      return {table_[(first & 0x1FU) << 6U | next(1)], 2};
    }
    if (first < 0xF0) {
      return {table_[(first & 0x0FU) << 12U | next(1) << 6U | next(2)], 3};
    }
    return {table_[(first & 0x07U) << 18U | next(1) << 12U | next(2) << 6U | next(3)], 4};
  }
  std::string_view text_;
  const Classes* table_;
};

/// Length of 's 't 're 've 'm 'll 'd at `i`; 0 if none is there.
std::size_t contraction(const Cursor& text, std::size_t i) noexcept {
  if (text.byte(i) != '\'') {
    return 0;
  }
  const char a = text.byte(i + 1);
  if (a == 's' || a == 't' || a == 'm' || a == 'd') {
    return 2;
  }
  const char b = text.byte(i + 2);
  return (a == 'r' && b == 'e') || (a == 'v' && b == 'e') || (a == 'l' && b == 'l') ? 3 : 0;
}

/// As contraction, in any case; U+017F (long s) folds to s.
std::size_t contraction_any_case(const Cursor& text, std::size_t i) noexcept {
  if (text.byte(i) != '\'') {
    return 0;
  }
  const char a = static_cast<char>(text.byte(i + 1) | 0x20);
  if (a == 's' || a == 't' || a == 'm' || a == 'd') {
    return 2;
  }
  if (text.from(i + 1).starts_with("\u017F")) {
    return 3;
  }
  const char b = static_cast<char>(text.byte(i + 2) | 0x20);
  return (a == 'r' && b == 'e') || (a == 'v' && b == 'e') || (a == 'l' && b == 'l') ? 3 : 0;
}

/// "\s+(?!\S)|\s+" where white space begins: all of it before the last character, unless that is
/// all there is or the text ends.
std::size_t white_space_end(const Cursor& text, std::size_t begin) noexcept {
  std::size_t last = begin;
  std::size_t i = begin;
  for (auto c = text.at(i); (c.classes & kWhite) != 0; c = text.at(i)) {
    last = i;
    i += c.length;
  }
  return i == text.size() || last == begin ? i : last;
}

/// "\s*[\r\n]+|\s+(?!\S)|\s+": up to the last line end of the white space, if there is one.
std::size_t lines_end(const Cursor& text, std::size_t begin) noexcept {
  std::size_t last = begin;
  std::size_t line_end = begin;
  std::size_t i = begin;
  for (auto c = text.at(i); (c.classes & kWhite) != 0; c = text.at(i)) {
    last = i;
    i += c.length;
    line_end = (c.classes & kLineEnd) != 0 ? i : line_end;
  }
  if (line_end > begin) {
    return line_end;
  }
  return i == text.size() || last == begin ? i : last;
}

/// Where " ?[set]+" ends; `begin` if it does not match.
std::size_t spaced_run(const Cursor& text, std::size_t begin, Classes set) noexcept {
  const std::size_t start = begin + (text.byte(begin) == ' ' ? 1 : 0);
  const std::size_t end = text.run(start, set);
  return end > start ? end : begin;
}

constexpr Classes kNotSpaceLetterNumber = kMark | kGraphic | kOther;

struct Gpt2Rules {
  static std::size_t next(const Cursor& text, std::size_t i) noexcept {
    if (const std::size_t length = contraction(text, i)) {
      return i + length;
    }
    const std::size_t start = i + (text.byte(i) == ' ' ? 1 : 0);
    const Classes first = text.at(start).classes;
    if ((first & kLetter) != 0) {
      return text.run(start, kLetter);
    }
    if ((first & kNumber) != 0) {
      return text.run(start, kNumber);
    }
    if ((first & kNotSpaceLetterNumber) != 0) {
      return text.run(start, kNotSpaceLetterNumber);
    }
    return white_space_end(text, i);
  }
};

/// Llama 3, Qwen 2 and 3.5: they differ in how many digits go together and in where marks belong.
template <int kDigits, Classes kWordClasses>
struct LlamaRules {
  static std::size_t next(const Cursor& text, std::size_t i) noexcept {
    if (const std::size_t length = contraction_any_case(text, i)) {
      return i + length;
    }
    const auto first = text.at(i);
    if ((first.classes & kWordClasses & kLetter) != 0) {
      return text.run(i, kWordClasses);
    }
    if ((first.classes & (kNumber | kLineEnd)) == 0) {  // "[^\r\n\p{L}\p{N}]?" before a word
      const std::size_t end = text.run(i + first.length, kWordClasses);
      if (end > i + first.length) {
        return end;
      }
    }
    if ((first.classes & kWordClasses) != 0) {
      return text.run(i, kWordClasses);
    }
    if ((first.classes & kNumber) != 0) {
      return text.run(i, kNumber, kDigits);
    }
    constexpr auto kRest = static_cast<Classes>(kNotSpaceLetterNumber & ~kWordClasses);
    const std::size_t end = spaced_run(text, i, kRest);
    return end > i ? text.run(end, kLineEnd) : lines_end(text, i);
  }
};

constexpr Classes kHead = kUpper | kCaseless | kMark;
constexpr Classes kTail = kLower | kCaseless | kMark;

/// Where "[Lu Lt Lm Lo M]*[Ll Lm Lo M]+" ends; `begin` if it does not match.
std::size_t tailed_word_end(const Cursor& text, std::size_t begin) noexcept {
  std::size_t both_end = begin;  // behind the last character of the head that the tail could take
  std::size_t i = begin;
  for (auto c = text.at(i); (c.classes & kHead) != 0; c = text.at(i)) {
    i += c.length;
    both_end = (c.classes & kTail) != 0 ? i : both_end;
  }
  return (text.at(i).classes & kTail) != 0 ? text.run(i, kTail) : both_end;
}

/// As tailed_word_end, or else where "[Lu Lt Lm Lo M]+[Ll Lm Lo M]*" ends.
std::size_t cased_word_end(const Cursor& text, std::size_t begin) noexcept {
  const std::size_t end = tailed_word_end(text, begin);
  return end > begin ? end : text.run(begin, kHead);
}

/// o200k (GPT-4o) and Tekken (Mistral): words end where a capital begins.
template <int kDigits, bool kContractions>
struct O200kRules {
  static std::size_t next(const Cursor& text, std::size_t i) noexcept {
    const auto first = text.at(i);
    std::size_t word = i;
    if ((first.classes & (kLetter | kNumber | kLineEnd)) == 0) {
      // A mark can be a word of its own, and that form is tried before the second one.
      const std::size_t start = i + first.length;
      const std::size_t end =
          (first.classes & kMark) != 0 ? tailed_word_end(text, start) : cased_word_end(text, start);
      word = end > start ? end : i;
    }
    if (word == i) {
      word = cased_word_end(text, i);
    }
    if (word > i) {
      return word + (kContractions ? contraction_any_case(text, word) : 0);
    }
    if ((first.classes & kNumber) != 0) {
      return text.run(i, kNumber, kDigits);
    }
    std::size_t end = spaced_run(text, i, kNotSpaceLetterNumber);
    if (end == i) {
      return lines_end(text, i);
    }
    while (text.byte(end) == '/' || (text.at(end).classes & kLineEnd) != 0) {
      ++end;
    }
    return end;
  }
};

/// The third pattern of DeepSeek V3, where it matches at `i`; else `i`.
struct DeepSeekRules {
  static std::size_t next(const Cursor& text, std::size_t i) noexcept {
    constexpr Classes kWord = kLetter | kMark;
    const auto ascii_letter = [&](std::size_t k) {
      const char c = static_cast<char>(text.byte(k) | 0x20);
      return c >= 'a' && c <= 'z';
    };
    const auto first = text.at(i);
    const bool ascii_graphic = first.length == 1 && (first.classes & kGraphic) != 0;
    if (ascii_graphic && ascii_letter(i + 1)) {
      do {
        ++i;
      } while (ascii_letter(i + 1));
      return i + 1;
    }
    if ((first.classes & (kLineEnd | kLetter | kGraphic)) == 0) {
      const std::size_t end = text.run(i + first.length, kWord);
      if (end > i + first.length) {
        return end;
      }
    }
    if ((first.classes & kWord) != 0) {
      return text.run(i, kWord);
    }
    const std::size_t end = spaced_run(text, i, kGraphic);
    if (end > i) {
      return text.run(end, kLineEnd);
    }
    return (first.classes & kWhite) != 0 ? lines_end(text, i) : i;
  }
};

template <Classes kSet, int kMost>
struct RunRules {  // "[set]{1,most}"
  static std::size_t next(const Cursor& text, std::size_t i) noexcept {
    return text.run(i, kSet, kMost);
  }
};

template <typename Rules>
void scan(std::string_view view, std::vector<ByteRange>& matches) {
  const Cursor text(view, class_table().data());
  for (std::size_t i = 0; i < view.size();) {
    const std::size_t end = Rules::next(text, i);
    if (end > i) {
      matches.push_back({i, end});
      i = end;
    } else {
      i += text.at(i).length;
    }
  }
}

struct Known {
  std::string_view pattern;
  Scanner scanner;
};

constexpr int kAnyNumber = 1 << 30;

constexpr std::array<Known, 10> kKnown = {{
    {kGpt2Pattern, scan<Gpt2Rules>},
    {kLlama3Pattern, scan<LlamaRules<3, kLetter>>},
    {kQwen2Pattern, scan<LlamaRules<1, kLetter>>},
    {kQwen35Pattern, scan<LlamaRules<1, kLetter | kMark>>},
    {kO200kPattern, scan<O200kRules<3, true>>},
    {kTekkenPattern, scan<O200kRules<1, false>>},
    {kDeepSeekPattern, scan<DeepSeekRules>},
    {kThreeDigitsPattern, scan<RunRules<kNumber, 3>>},
    {kOneDigitPattern, scan<RunRules<kNumber, 1>>},
    {kCjkPattern, scan<RunRules<kCjk, kAnyNumber>>},
}};

}  // namespace

Scanner scanner_for(std::string_view pattern) {
  const auto* const known = std::find_if(
      kKnown.begin(), kKnown.end(), [&](const Known& entry) { return entry.pattern == pattern; });
  return known == kKnown.end() ? nullptr : known->scanner;
}

std::vector<std::string_view> scanned_patterns() {
  std::vector<std::string_view> out;
  for (const Known& entry : kKnown) {
    out.push_back(entry.pattern);
  }
  return out;
}

}  // namespace cajal
