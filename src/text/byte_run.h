// Bytes that arrive one by one and are text only once a character is complete.
#pragma once

#include <string>
#include <string_view>

#include "base/utf8.h"

namespace cajal {

/// The bytes so far could become a character with more of them.
inline bool could_become_character(std::string_view bytes) {
  if (bytes.empty() || bytes.size() > 3) {
    return false;
  }
  // The maximal subpart of a character cut short is all of it.
  const CodePoint c = decode_utf8(bytes);
  const auto first = static_cast<unsigned char>(bytes.front());
  return !c.valid && c.length == bytes.size() && first >= 0xC2 && first <= 0xF4 &&
         bytes.size() < (first < 0xE0   ? 2U
                         : first < 0xF0 ? 3U
                                        : 4U);
}

/// Moves from `pending` to `out` all but a character under way at the end, with U+FFFD for each
/// maximal broken subpart.
inline void take_complete(std::string& pending, std::string& out) {
  std::size_t i = 0;
  while (i < pending.size()) {
    const std::string_view rest = std::string_view(pending).substr(i);
    if (could_become_character(rest)) {
      break;
    }
    const CodePoint c = decode_utf8(rest);
    append_utf8(out, c.value);
    i += c.length;
  }
  pending.erase(0, i);
}

}  // namespace cajal
