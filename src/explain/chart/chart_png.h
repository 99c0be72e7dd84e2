// A chart as PNG, drawn from its SVG.
#pragma once

#include <string>

#include "explain/chart/chart.h"

namespace cajal {

/// The bytes of the file, in light colours; `scale` pixels of it are one of the SVG. Throws
/// ResourceExhausted if the picture is too large to draw.
std::string to_png(const Chart& chart, double scale = 2.0);

/// The same of any picture; throws Internal for what is no SVG.
std::string png_of_svg(const std::string& svg, double scale = 2.0);

}  // namespace cajal
