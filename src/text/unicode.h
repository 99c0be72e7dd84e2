// What the tokenizers need to know about characters, as the reference library knows it.
//
// Its parts use tables of different ages: regular expressions Unicode 16, normal forms Unicode 9,
// punctuation something in between. A vocabulary was made with those, so they are kept, each under
// its own name. Sources: tools/make_unicode_tables.py and golden/tokenizers/unicode.json.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace cajal {

/// General categories in the order of the table.
enum class Category : std::uint8_t {
  Cn,
  Lu,
  Ll,
  Lt,
  Lm,
  Lo,
  Mn,
  Mc,
  Me,
  Nd,
  Nl,
  No,
  Pc,
  Pd,
  Ps,
  Pe,
  Pi,
  Pf,
  Po,
  Sm,
  Sc,
  Sk,
  So,
  Zs,
  Zl,
  Zp,
  Cc,
  Cf,
  Co
};
inline constexpr std::size_t kCategoryCount = 29;

/// Category of each code point, 0x110000 of them; surrogates are Cn.
std::span<const Category> category_table();

inline constexpr bool is_letter(Category c) noexcept {
  return c >= Category::Lu && c <= Category::Lo;
}
inline constexpr bool is_mark(Category c) noexcept {
  return c >= Category::Mn && c <= Category::Me;
}
inline constexpr bool is_number(Category c) noexcept {
  return c >= Category::Nd && c <= Category::No;
}
inline constexpr bool is_punctuation(Category c) noexcept {
  return c >= Category::Pc && c <= Category::Po;
}
inline constexpr bool is_symbol(Category c) noexcept {
  return c >= Category::Sm && c <= Category::So;
}

/// White_Space, the \s of regular expressions.
bool is_space(char32_t c) noexcept;
/// \w of the Split pre-tokenizer: letters, marks, decimal digits, connectors, and what else is
/// alphabetic.
bool is_regex_word(char32_t c) noexcept;
/// \w where added tokens and the Whitespace pre-tokenizer use it.
bool is_word(char32_t c) noexcept;
/// For the Punctuation pre-tokenizer: ASCII punctuation, or \p{P} of an older table.
bool is_old_punctuation(char32_t c) noexcept;
/// For the Digits pre-tokenizer: \p{N} and a few newer digits.
bool is_numeric(char32_t c) noexcept;
/// A number equal for characters of one script; 0 for those that belong to every script.
std::uint8_t script_of(char32_t c) noexcept;

/// What BertNormalizer removes, turns into a space, and puts spaces around.
bool is_bert_control(char32_t c) noexcept;
bool is_bert_space(char32_t c) noexcept;
bool is_chinese(char32_t c) noexcept;
/// Marks that StripAccents removes (all) and BertNormalizer removes (non-spacing), of old tables.
bool is_old_mark(char32_t c) noexcept;
bool is_old_nonspacing_mark(char32_t c) noexcept;

/// Appends the lower case of `c`, which may be more than one character.
void append_lowercase(std::u32string& out, char32_t c);

}  // namespace cajal
