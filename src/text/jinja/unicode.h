// Python's view of characters: what str methods call space, letter, printable, upper case.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace cajal::jinja {

bool is_space(char32_t c) noexcept;      // str.isspace; also \s of the reference's regexes
bool is_printable(char32_t c) noexcept;  // str.isprintable: repr shows it as it is
bool is_letter(char32_t c) noexcept;     // str.isalpha
bool is_decimal(char32_t c) noexcept;    // str.isdecimal
bool is_digit(char32_t c) noexcept;      // str.isdigit
bool is_numeric(char32_t c) noexcept;    // str.isnumeric
bool is_upper(char32_t c) noexcept;
bool is_lower(char32_t c) noexcept;
bool is_word(char32_t c) noexcept;  // \w

std::string to_upper(std::string_view text);
std::string to_lower(std::string_view text);
std::string capitalized(std::string_view text);
std::string swapped_case(std::string_view text);
/// str.title: a letter after anything that is no letter is upper case.
std::string title_case(std::string_view text);

/// Byte offset of code point `index`; the size of the text if there are not so many.
std::size_t offset_of(std::string_view text, std::size_t index) noexcept;

std::string_view strip_left(std::string_view text) noexcept;
std::string_view strip_right(std::string_view text) noexcept;
/// As str.strip(chars): characters of the sorted set go.
std::string_view strip_left(std::string_view text, std::u32string_view set) noexcept;
std::string_view strip_right(std::string_view text, std::u32string_view set) noexcept;

}  // namespace cajal::jinja
