#include "testing/compare.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace cajal::testing {

double largest_error(ConstMatRef got, ConstMatRef want) {
  check(got.rows == want.rows && got.cols == want.cols,
        "a matrix of [{}, {}] cannot be compared with one of [{}, {}]", got.rows, got.cols,
        want.rows, want.cols);
  double worst = 0.0;
  for (std::size_t r = 0; r < got.rows; ++r) {
    for (std::size_t c = 0; c < got.cols; ++c) {
      const double error = std::abs(element(got, r, c) - element(want, r, c));
      if (!std::isfinite(error)) {
        return std::numeric_limits<double>::infinity();
      }
      worst = std::max(worst, error);
    }
  }
  return worst;
}

std::vector<double> elements(ConstMatRef m) {
  std::vector<double> out;
  out.reserve(m.rows * m.cols);
  for (std::size_t r = 0; r < m.rows; ++r) {
    for (std::size_t c = 0; c < m.cols; ++c) {
      out.push_back(element(m, r, c));
    }
  }
  return out;
}

}  // namespace cajal::testing
