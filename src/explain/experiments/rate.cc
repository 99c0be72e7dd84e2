#include "explain/experiments/rate.h"

#include <algorithm>
#include <cmath>

namespace cajal {

Interval wilson_95(const Rate& rate) {
  if (rate.n == 0) {
    return {};
  }
  constexpr double kZ = 1.959963984540054;  // of a normal, 2.5 % lie beyond on either side
  const auto n = static_cast<double>(rate.n);
  const double p = rate.share();
  const double scale = 1.0 + kZ * kZ / n;
  const double centre = (p + kZ * kZ / (2.0 * n)) / scale;
  const double half = kZ / scale * std::sqrt(p * (1.0 - p) / n + kZ * kZ / (4.0 * n * n));
  return {std::max(0.0, centre - half), std::min(1.0, centre + half)};
}

}  // namespace cajal
