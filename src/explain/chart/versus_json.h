// What differs between two prompts as JSON: the result of `cajal explain --versus --json`.
// docs/json.md has the members.
#pragma once

#include "explain/chart/versus_chart.h"
#include "io/json.h"

namespace cajal {

Json to_json(const VersusChart& chart);

/// "first", "second", "both".
std::string_view name_of(VersusWhere where) noexcept;

}  // namespace cajal
