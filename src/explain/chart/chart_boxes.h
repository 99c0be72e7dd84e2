// How large a box of a chart has to be for its words, and the words cut so that they fit. Private
// to this folder.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "explain/chart/chart_layout.h"

namespace cajal {

inline constexpr double kNameSize = 14.0;  // of letters, in pixels
inline constexpr double kWhereSize = 11.5;
inline constexpr double kAnswerSize = 19.0;
inline constexpr double kInside = 12.0;  // left and right of a box's text
inline constexpr double kLine = 18.0;    // from one line of a name to the next

/// Box `index` with its texts and the least width and height; nothing is placed yet.
PlacedBox box_of_text(const Chart& chart, std::size_t index);

/// At most `lines` lines of at most `width` pixels, broken at blanks where there are any; "…" in
/// place of what does not fit.
std::vector<std::string> wrapped(std::string_view text, double width, double size, bool bold,
                                 std::size_t lines);

}  // namespace cajal
