// Tokens that stand for one byte: "<0xE4>".
#pragma once

#include <cctype>
#include <optional>
#include <string_view>

namespace cajal {

/// nullopt if `piece` is no such token.
inline std::optional<unsigned char> byte_of_token(std::string_view piece) noexcept {
  if (piece.size() != 6 || !piece.starts_with("<0x") || piece[5] != '>') {
    return std::nullopt;
  }
  unsigned value = 0;
  for (const char c : piece.substr(3, 2)) {
    if (std::isxdigit(static_cast<unsigned char>(c)) == 0) {
      return std::nullopt;
    }
    value = value * 16 + static_cast<unsigned>(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
  }
  return static_cast<unsigned char>(value);
}

}  // namespace cajal
