// UTF-8, decoded the way the Unicode standard and Python's errors="replace" do it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace cajal {

inline constexpr char32_t kReplacement = 0xFFFD;

struct CodePoint {
  char32_t value = kReplacement;
  std::size_t length = 1;  // bytes taken; for broken input the maximal subpart
  bool valid = false;
};

/// First code point of `text`, which must not be empty. Broken input: U+FFFD, `length` bytes of
/// the maximal subpart (Unicode 16, chapter 3.9, "Substitution of Maximal Subparts").
CodePoint decode_utf8(std::string_view text) noexcept;

void append_utf8(std::string& out, char32_t code_point);
bool is_valid_utf8(std::string_view text) noexcept;
/// `text` with each maximal broken subpart replaced by U+FFFD.
std::string sanitize_utf8(std::string_view text);
/// All code points; broken subparts are U+FFFD.
std::u32string to_utf32(std::string_view text);
std::string to_utf8(std::u32string_view text);
/// Number of code points, broken subparts counting one each.
std::size_t count_code_points(std::string_view text) noexcept;

}  // namespace cajal
