#include "base/utf8.h"

namespace cajal {
namespace {

struct Lead {
  std::size_t length = 0;  // 0: no byte that starts a character
  unsigned char low = 0x80;
  unsigned char high = 0xBF;  // range of the second byte (Unicode table 3-7)
};

Lead classify(unsigned char b) noexcept {
  if (b < 0x80) {
    return {1};
  }
  if (b < 0xC2 || b > 0xF4) {
    return {0};
  }
  if (b < 0xE0) {
    return {2};
  }
  if (b < 0xF0) {
    const bool first = b == 0xE0;
    const bool surrogates = b == 0xED;
    return {3, static_cast<unsigned char>(first ? 0xA0 : 0x80),
            static_cast<unsigned char>(surrogates ? 0x9F : 0xBF)};
  }
  return {4, static_cast<unsigned char>(b == 0xF0 ? 0x90 : 0x80),
          static_cast<unsigned char>(b == 0xF4 ? 0x8F : 0xBF)};
}

}  // namespace

CodePoint decode_utf8(std::string_view text) noexcept {
  const auto first = static_cast<unsigned char>(text[0]);
  const Lead lead = classify(first);
  if (lead.length == 1) {
    return {first, 1, true};
  }
  if (lead.length == 0) {
    return {};
  }
  char32_t value = first & (0xFFU >> (lead.length + 1));
  for (std::size_t i = 1; i < lead.length; ++i) {
    const unsigned char low = i == 1 ? lead.low : 0x80;
    const unsigned char high = i == 1 ? lead.high : 0xBF;
    if (i >= text.size()) {
      return {kReplacement, i, false};
    }
    const auto b = static_cast<unsigned char>(text[i]);
    if (b < low || b > high) {
      return {kReplacement, i, false};
    }
    value = (value << 6U) | (b & 0x3FU);
  }
  return {value, lead.length, true};
}

void append_utf8(std::string& out, char32_t c) {
  const auto put = [&](char32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xC0 | (c >> 6U));
    put(0x80 | (c & 0x3FU));
  } else if (c < 0x10000) {
    put(0xE0 | (c >> 12U));
    put(0x80 | ((c >> 6U) & 0x3FU));
    put(0x80 | (c & 0x3FU));
  } else {
    put(0xF0 | (c >> 18U));
    put(0x80 | ((c >> 12U) & 0x3FU));
    put(0x80 | ((c >> 6U) & 0x3FU));
    put(0x80 | (c & 0x3FU));
  }
}

bool is_valid_utf8(std::string_view text) noexcept {
  while (!text.empty()) {
    const CodePoint c = decode_utf8(text);
    if (!c.valid) {
      return false;
    }
    text.remove_prefix(c.length);
  }
  return true;
}

std::string sanitize_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const CodePoint c = decode_utf8(text);
    if (c.valid) {
      out.append(text.substr(0, c.length));
    } else {
      append_utf8(out, kReplacement);
    }
    text.remove_prefix(c.length);
  }
  return out;
}

std::u32string to_utf32(std::string_view text) {
  std::u32string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const CodePoint c = decode_utf8(text);
    out.push_back(c.value);
    text.remove_prefix(c.length);
  }
  return out;
}

std::string to_utf8(std::u32string_view text) {
  std::string out;
  for (const char32_t c : text) {
    append_utf8(out, c);
  }
  return out;
}

std::size_t count_code_points(std::string_view text) noexcept {
  std::size_t n = 0;
  while (!text.empty()) {
    text.remove_prefix(decode_utf8(text).length);
    ++n;
  }
  return n;
}

}  // namespace cajal
