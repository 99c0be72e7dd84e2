// What differs between two prompts, for a terminal: a table of ideas, both prompts side by side.
#pragma once

#include <string>

#include "explain/chart/chart_text.h"
#include "explain/chart/versus_chart.h"

namespace cajal {

/// Lines of at most options.width columns.
std::string to_text(const VersusChart& chart, const ChartTextOptions& options = {});

}  // namespace cajal
