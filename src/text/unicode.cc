#include "text/unicode.h"

#include <algorithm>
#include <array>
#include <utf8proc.h>
#include <vector>

#include "text/unicode_tables.h"

namespace cajal {
namespace {

constexpr std::size_t kCodePoints = 0x110000;

enum Trait : std::uint8_t {  // bits of kTraitRuns
  kRegexWord = 1,
  kWord = 2,
  kOldPunctuation = 4,
  kNumeric = 8,
  kOldMark = 16,
  kOldNonspacingMark = 32,
  kBertControl = 64,
};

template <typename Value>
std::vector<Value> expand(const ValueRun* runs, std::size_t count) {
  std::vector<Value> out(kCodePoints);
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t end = i + 1 < count ? runs[i + 1].first : kCodePoints;
    std::fill(out.begin() + runs[i].first, out.begin() + static_cast<std::ptrdiff_t>(end),
              static_cast<Value>(runs[i].value));
  }
  std::fill(out.begin() + 0xD800, out.begin() + 0xE000, Value{});
  return out;
}

bool has(char32_t c, Trait trait) noexcept {
  const auto* const end = kTraitRuns + kTraitRunsCount;
  const auto* const next = std::upper_bound(
      kTraitRuns, end, c, [](char32_t x, const ValueRun& run) { return x < run.first; });
  return ((next - 1)->value & trait) != 0;
}

struct CaseRange {  // first..last become lower case by adding `shift`
  char32_t first;
  char32_t last;
  std::int32_t shift;
};
// Upper-case letters that Unicode 15, which utf8proc has, does not know.
constexpr std::array<CaseRange, 10> kNewUpperCase = {{{0x1C89, 0x1C89, 1},
                                                      {0xA7CB, 0xA7CB, 0x264 - 0xA7CB},
                                                      {0xA7CC, 0xA7CC, 1},
                                                      {0xA7CE, 0xA7CE, 1},
                                                      {0xA7D2, 0xA7D2, 1},
                                                      {0xA7D4, 0xA7D4, 1},
                                                      {0xA7DA, 0xA7DA, 1},
                                                      {0xA7DC, 0xA7DC, 0x19B - 0xA7DC},
                                                      {0x10D50, 0x10D65, 0x20},
                                                      {0x16EA0, 0x16EB8, 0x1B}}};

}  // namespace

std::span<const Category> category_table() {
  static const std::vector<Category> table = expand<Category>(kCategoryRuns, kCategoryRunsCount);
  return table;
}

bool is_space(char32_t c) noexcept {
  return c == ' ' || (c >= 9 && c <= 13) || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
         c == 0x3000;
}

bool is_regex_word(char32_t c) noexcept {
  return has(c, kRegexWord);
}
bool is_word(char32_t c) noexcept {
  return has(c, kWord);
}
bool is_old_punctuation(char32_t c) noexcept {
  return has(c, kOldPunctuation);
}
bool is_numeric(char32_t c) noexcept {
  return has(c, kNumeric);
}
bool is_old_mark(char32_t c) noexcept {
  return has(c, kOldMark);
}
bool is_old_nonspacing_mark(char32_t c) noexcept {
  return has(c, kOldNonspacingMark);
}
bool is_bert_control(char32_t c) noexcept {
  return has(c, kBertControl);
}

std::uint8_t script_of(char32_t c) noexcept {
  const auto* const end = kScriptRuns + kScriptRunsCount;
  const auto* const next = std::upper_bound(
      kScriptRuns, end, c, [](char32_t x, const ValueRun& run) { return x < run.first; });
  return (next - 1)->value;
}

bool is_bert_space(char32_t c) noexcept {
  return is_space(c) && c != 11 && c != 12 && c != 0x85;
}

bool is_chinese(char32_t c) noexcept {
  constexpr std::array<std::array<char32_t, 2>, 7> kRanges = {{{0x3400, 0x4DBF},
                                                               {0x4E00, 0x9FFF},
                                                               {0xF900, 0xFAFF},
                                                               {0x20000, 0x2A6DF},
                                                               {0x2A700, 0x2B81F},
                                                               {0x2B920, 0x2CEAF},
                                                               {0x2F800, 0x2FA1F}}};
  return std::any_of(kRanges.begin(), kRanges.end(),
                     [c](const auto& range) { return c >= range[0] && c <= range[1]; });
}

void append_lowercase(std::u32string& out, char32_t c) {
  if (c == 0x130) {  // the one letter with a lower case of two characters
    out += U"i\u0307";
    return;
  }
  for (const CaseRange& range : kNewUpperCase) {
    if (c >= range.first && c <= range.last) {
      out += static_cast<char32_t>(static_cast<std::int32_t>(c) + range.shift);
      return;
    }
  }
  out += static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c)));
}

}  // namespace cajal
