// What differs between two prompts as one page that needs nothing else: picture, what each line is
// made of, and all numbers as a table.
#pragma once

#include <string>

#include "explain/chart/versus_chart.h"

namespace cajal {

std::string to_html(const VersusChart& chart);

}  // namespace cajal
