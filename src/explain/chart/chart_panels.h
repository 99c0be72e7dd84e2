// The parts of a chart's page that are words: a panel for each box and band, and all of it as
// tables. Private to this folder.
#pragma once

#include <string>

#include "explain/chart/chart.h"

namespace cajal {

/// One <section class="panel" id="panel-box-N"> for each box, id="panel-edge-N" for each edge.
std::string panels_html(const Chart& chart);

/// Boxes, bands and routes as tables: the numbers of the picture.
std::string tables_html(const Chart& chart);

}  // namespace cajal
