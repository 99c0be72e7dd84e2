#include "explain/chart/versus_chart.h"

#include <algorithm>
#include <cmath>

namespace cajal {

double least_difference(const VersusChart& chart) noexcept {
  constexpr double kPart = 0.01;
  return kPart * std::max(std::abs(chart.prompts[0].value), std::abs(chart.prompts[1].value));
}

std::optional<double> VersusChart::way(std::size_t prompt, double change) const noexcept {
  const double all = value_of_other(prompt) - prompts[prompt].value;
  return std::abs(all) <= least_difference(*this) ? std::nullopt : std::optional(change / all);
}

}  // namespace cajal
