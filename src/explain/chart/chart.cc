#include "explain/chart/chart.h"

#include <algorithm>

namespace cajal {

const ChartBox* Chart::box(const std::string& id) const noexcept {
  const auto at =
      std::find_if(boxes.begin(), boxes.end(), [&](const ChartBox& box) { return box.id == id; });
  return at == boxes.end() ? nullptr : &*at;
}

}  // namespace cajal
