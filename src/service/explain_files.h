// A chart in the forms that a command hands out; what they look like is explain's business.
#pragma once

#include <cstdint>
#include <string>

#include "io/json.h"

namespace cajal {

struct Chart;
struct VersusChart;

enum class ChartColours : std::uint8_t { None, Ansi };

/// For a terminal of 80 columns.
std::string chart_text(const Chart& chart, ChartColours colours);
Json chart_json(const Chart& chart);
std::string chart_html(const Chart& chart);
std::string chart_svg(const Chart& chart);
std::string chart_png(const Chart& chart);

std::string chart_text(const VersusChart& chart, ChartColours colours);
Json chart_json(const VersusChart& chart);
std::string chart_html(const VersusChart& chart);
std::string chart_svg(const VersusChart& chart);
std::string chart_png(const VersusChart& chart);

}  // namespace cajal
