// Texts cut at a character, and at their ends.
#pragma once

#include <string_view>
#include <vector>

namespace cajal {

/// What stands between the separators, empty parts too: one part more than there are separators.
/// Views into `text`.
std::vector<std::string_view> split(std::string_view text, char separator);

/// Without the blanks at both ends; empty where there is nothing else. A view into `text`.
std::string_view trimmed(std::string_view text, std::string_view blanks = " \t\r\n");

}  // namespace cajal
