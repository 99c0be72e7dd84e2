// Charts as JSON: what `cajal explain --json` prints as its result, and reads back without loss.
// docs/json.md has the members.
#pragma once

#include <string>

#include "explain/chart/chart.h"
#include "io/json.h"

namespace cajal {

/// Boxes stand by kind (words, ideas, answer, unexplained), in the order of the chart.
Json to_json(const Chart& chart);

/// The chart that to_json wrote: equal to it, but for numbers that are not finite (which JSON has
/// none of). Throws CorruptData naming `where` and the member for one that is missing or of another
/// kind, for shares that are no numbers, and for edges and routes between boxes that are not there.
Chart chart_from_json(const Json& json, const std::string& where);

}  // namespace cajal
