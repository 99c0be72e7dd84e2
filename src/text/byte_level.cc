#include "text/byte_level.h"

#include <cstddef>

#include "base/utf8.h"

namespace cajal {
namespace {

constexpr bool stands_for_itself(unsigned byte) noexcept {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

struct Alphabet {
  std::array<char32_t, 256> characters{};
  std::array<int, 0x144> bytes{};  // -1: no byte

  Alphabet() {
    bytes.fill(-1);
    char32_t next = 0x100;
    for (unsigned byte = 0; byte < 256; ++byte) {
      characters[byte] = stands_for_itself(byte) ? byte : next++;
      bytes[characters[byte]] = static_cast<int>(byte);
    }
  }
};

const Alphabet& alphabet() {
  static const Alphabet instance;
  return instance;
}

}  // namespace

const std::array<char32_t, 256>& byte_level_alphabet() {
  return alphabet().characters;
}

std::optional<unsigned char> byte_level_byte(char32_t c) noexcept {
  const auto& bytes = alphabet().bytes;
  if (c >= bytes.size() || bytes[c] < 0) {
    return std::nullopt;
  }
  return static_cast<unsigned char>(bytes[c]);
}

std::optional<std::string> byte_level_bytes(std::string_view piece) {
  std::string out;
  for (std::size_t i = 0; i < piece.size();) {
    const CodePoint c = decode_utf8(piece.substr(i));
    const auto byte = byte_level_byte(c.value);
    if (!byte) {
      return std::nullopt;
    }
    out += static_cast<char>(*byte);
    i += c.length;
  }
  return out;
}

}  // namespace cajal
