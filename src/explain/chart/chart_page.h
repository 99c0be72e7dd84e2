// A chart as a page: one file that needs no network and no server. All it shows is in its text, so
// it can be searched, printed and read without its script; the script only shows the panel of what
// is pointed at.
#pragma once

#include <string>

#include "explain/chart/chart.h"

namespace cajal {

/// HTML. What models and files say is escaped, and the page's policy allows no request. Throws what
/// layout_chart throws.
std::string to_html(const Chart& chart);

}  // namespace cajal
