// Texts cut at a character.
#pragma once

#include <string_view>
#include <vector>

namespace cajal {

/// What stands between the separators, empty parts too: one part more than there are separators.
/// Views into `text`.
std::vector<std::string_view> split(std::string_view text, char separator);

}  // namespace cajal
