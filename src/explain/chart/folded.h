// Text broken into lines for a terminal. Private to this folder.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace cajal {

/// Lines of at most `width` columns, broken at blanks; those after the first are indented.
std::string folded(const std::string& text, std::size_t width, std::size_t indent);

/// What stands beneath a chart: its notes, and its footer if it has one.
std::string notes_text(std::span<const std::string> notes, const std::string& footer,
                       std::size_t width);

}  // namespace cajal
