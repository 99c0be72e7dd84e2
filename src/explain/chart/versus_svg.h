// What differs between two prompts as a picture: a line for each idea, named in the middle, with a
// bar to the left for its share in the first prompt (blue) and one to the right for the second
// (orange). All of it is in words and numbers, too.
#pragma once

#include <string>

#include "explain/chart/chart_svg.h"
#include "explain/chart/versus_chart.h"

namespace cajal {

/// As draw_svg of a chart.
SvgPicture draw_svg(const VersusChart& chart, SvgUse use);
inline std::string to_svg(const VersusChart& chart) {
  return draw_svg(chart, SvgUse::Alone).text;
}

/// What a line says to somebody who does not see it.
std::string alternative_text(const VersusChart& chart, const VersusEntry& entry);

/// All lines in the order of the picture; a line's place is the number of its box on the page.
std::vector<const VersusEntry*> lines_of(const VersusChart& chart);

}  // namespace cajal
