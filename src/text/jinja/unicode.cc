#include "text/jinja/unicode.h"

#include <algorithm>
#include <array>
#include <utf8proc.h>

#include "base/utf8.h"
#include "text/jinja/special_case.h"

namespace cajal::jinja {
namespace {

int category(char32_t c) noexcept {
  return utf8proc_category(static_cast<utf8proc_int32_t>(c));
}

const SpecialCase* special(char32_t c) noexcept {
  const auto* it = std::ranges::lower_bound(kSpecialCases, c, {}, &SpecialCase::from);
  return it != kSpecialCases.end() && it->from == c ? it : nullptr;
}

void append_upper(std::u32string& out, char32_t c) {
  if (const SpecialCase* s = special(c); s != nullptr) {
    out += s->upper;
  } else {
    out += static_cast<char32_t>(utf8proc_toupper(static_cast<utf8proc_int32_t>(c)));
  }
}

void append_title(std::u32string& out, char32_t c) {
  if (const SpecialCase* s = special(c); s != nullptr) {
    out += s->title;
  } else {
    out += static_cast<char32_t>(utf8proc_totitle(static_cast<utf8proc_int32_t>(c)));
  }
}

bool is_cased(char32_t c) noexcept {
  return is_upper(c) || is_lower(c) || category(c) == UTF8PROC_CATEGORY_LT;
}

void append_lower(std::u32string& out, const std::u32string& text, std::size_t i) {
  constexpr char32_t kCapitalSigma = 0x3A3;
  constexpr char32_t kFinalSigma = 0x3C2;
  constexpr char32_t kDottedI = 0x130;
  const char32_t c = text[i];
  if (c == kDottedI) {
    out += U"i\u0307";
  } else if (c == kCapitalSigma && i > 0 && is_cased(text[i - 1]) &&
             (i + 1 == text.size() || !is_cased(text[i + 1]))) {
    out += kFinalSigma;
  } else {
    out += static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c)));
  }
}

}  // namespace

bool is_space(char32_t c) noexcept {
  return (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x20) || c == 0x85 || c == 0xA0 ||
         c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F ||
         c == 0x205F || c == 0x3000;
}

bool is_printable(char32_t c) noexcept {
  switch (category(c)) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
      return false;
    case UTF8PROC_CATEGORY_ZS:
      return c == U' ';
    default:
      return true;
  }
}

bool is_letter(char32_t c) noexcept {
  const int x = category(c);
  return x >= UTF8PROC_CATEGORY_LU && x <= UTF8PROC_CATEGORY_LO;
}

bool is_decimal(char32_t c) noexcept {
  return category(c) == UTF8PROC_CATEGORY_ND;
}

bool is_digit(char32_t c) noexcept {
  // Numeric_Type=Digit of Unicode: superscripts, circled digits and the like.
  constexpr std::array<std::array<char32_t, 2>, 20> kDigits = {
      {{0xB2, 0xB3},       {0xB9, 0xB9},       {0x1369, 0x1371},   {0x19DA, 0x19DA},
       {0x2070, 0x2070},   {0x2074, 0x2079},   {0x2080, 0x2089},   {0x2460, 0x2468},
       {0x2474, 0x247C},   {0x2488, 0x2490},   {0x24EA, 0x24EA},   {0x24F5, 0x24FD},
       {0x24FF, 0x24FF},   {0x2776, 0x277E},   {0x2780, 0x2788},   {0x278A, 0x2792},
       {0x10A40, 0x10A43}, {0x10E60, 0x10E68}, {0x11052, 0x1105A}, {0x1F100, 0x1F10A}}};
  return is_decimal(c) || std::ranges::any_of(kDigits, [c](const auto& range) {
           return c >= range[0] && c <= range[1];
         });
}

bool is_numeric(char32_t c) noexcept {
  const int x = category(c);
  return x == UTF8PROC_CATEGORY_ND || x == UTF8PROC_CATEGORY_NL || x == UTF8PROC_CATEGORY_NO;
}

bool is_upper(char32_t c) noexcept {
  return utf8proc_isupper(static_cast<utf8proc_int32_t>(c)) != 0;
}
bool is_lower(char32_t c) noexcept {
  return utf8proc_islower(static_cast<utf8proc_int32_t>(c)) != 0;
}
bool is_word(char32_t c) noexcept {
  return c == U'_' || is_letter(c) || is_numeric(c);
}

std::string to_upper(std::string_view text) {
  std::u32string out;
  for (const char32_t c : to_utf32(text)) {
    append_upper(out, c);
  }
  return to_utf8(out);
}

std::string to_lower(std::string_view text) {
  const std::u32string in = to_utf32(text);
  std::u32string out;
  for (std::size_t i = 0; i < in.size(); ++i) {
    append_lower(out, in, i);
  }
  return to_utf8(out);
}

std::string capitalized(std::string_view text) {
  const std::u32string in = to_utf32(text);
  std::u32string out;
  for (std::size_t i = 0; i < in.size(); ++i) {
    if (i == 0) {
      append_title(out, in[i]);
    } else {
      append_lower(out, in, i);
    }
  }
  return to_utf8(out);
}

std::string swapped_case(std::string_view text) {
  const std::u32string in = to_utf32(text);
  std::u32string out;
  for (std::size_t i = 0; i < in.size(); ++i) {
    if (is_upper(in[i])) {
      append_lower(out, in, i);
    } else {
      append_upper(out, in[i]);
    }
  }
  return to_utf8(out);
}

std::string title_case(std::string_view text) {
  const std::u32string in = to_utf32(text);
  std::u32string out;
  bool inside = false;
  for (std::size_t i = 0; i < in.size(); ++i) {
    if (inside) {
      append_lower(out, in, i);
    } else {
      append_title(out, in[i]);
    }
    inside = is_cased(in[i]);
  }
  return to_utf8(out);
}

std::size_t offset_of(std::string_view text, std::size_t index) noexcept {
  std::size_t at = 0;
  for (; index > 0 && at < text.size(); --index) {
    at += decode_utf8(text.substr(at)).length;
  }
  return at;
}

namespace {

/// The last code point of valid UTF-8; `text` must not be empty.
CodePoint last_of(std::string_view text) noexcept {
  std::size_t at = text.size() - 1;
  while (at > 0 && (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U) {
    --at;
  }
  return decode_utf8(text.substr(at));
}

template <typename Belongs>
std::string_view strip_left_if(std::string_view text, const Belongs& belongs) noexcept {
  while (!text.empty()) {
    const CodePoint c = decode_utf8(text);
    if (!belongs(c.value)) {
      break;
    }
    text.remove_prefix(c.length);
  }
  return text;
}

template <typename Belongs>
std::string_view strip_right_if(std::string_view text, const Belongs& belongs) noexcept {
  while (!text.empty()) {
    const CodePoint c = last_of(text);
    if (!belongs(c.value)) {
      break;
    }
    text.remove_suffix(c.length);
  }
  return text;
}

}  // namespace

std::string_view strip_left(std::string_view text) noexcept {
  return strip_left_if(text, is_space);
}

std::string_view strip_right(std::string_view text) noexcept {
  return strip_right_if(text, is_space);
}

std::string_view strip_left(std::string_view text, std::u32string_view set) noexcept {
  return strip_left_if(text, [set](char32_t c) { return std::ranges::binary_search(set, c); });
}

std::string_view strip_right(std::string_view text, std::u32string_view set) noexcept {
  return strip_right_if(text, [set](char32_t c) { return std::ranges::binary_search(set, c); });
}

}  // namespace cajal::jinja
