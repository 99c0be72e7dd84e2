// Text broken into lines for a terminal. Private to this folder.
#pragma once

#include <cstddef>
#include <string>

namespace cajal {

/// Lines of at most `width` columns, broken at blanks; those after the first are indented.
std::string folded(const std::string& text, std::size_t width, std::size_t indent);

}  // namespace cajal
