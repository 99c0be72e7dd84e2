// The byte-level alphabet of GPT-2: each byte is written as one printable character.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace cajal {

/// The character that stands for each byte: itself for printable Latin-1, else U+0100 and up.
const std::array<char32_t, 256>& byte_level_alphabet();
/// The byte a character stands for; nullopt for characters outside the alphabet.
std::optional<unsigned char> byte_level_byte(char32_t c) noexcept;
/// The bytes a piece stands for; nullopt if one of its characters is outside the alphabet.
std::optional<std::string> byte_level_bytes(std::string_view piece);

}  // namespace cajal
