// Parts of charts as JSON. Private to this folder.
#pragma once

#include <optional>
#include <utility>

#include "explain/chart/chart.h"
#include "io/json.h"

namespace cajal {

template <typename Range, typename Convert>
Json list_of(const Range& range, const Convert& convert) {
  Json::Array out;
  for (const auto& x : range) {
    out.push_back(convert(x));
  }
  return Json(std::move(out));
}

Json json_of(const ChartToken& token);
Json json_of(const ChartAlternative& other);
Json json_of(const ChartBox& box);
/// null for none.
Json json_of(const std::optional<TriedClaim>& claim);

}  // namespace cajal
