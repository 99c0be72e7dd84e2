// Boxes of a chart as a tree towards the answer, drawn with Unicode's box characters. Private to
// this folder.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "explain/chart/chart.h"

namespace cajal {

/// Words at the left, the answer at the right; as lines of at most `width` columns. Where routes
/// are too long for that, the answer is at the top left and what leads to it is indented.
std::vector<std::string> draw_tree(const Chart& chart, std::size_t width);

}  // namespace cajal
