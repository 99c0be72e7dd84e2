#include "ops/gradient_test.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <gtest/gtest.h>

namespace cajal {
namespace {

/// (8 (f(h) - f(-h)) - (f(2h) - f(-2h))) / 12h.
double fourth_order(double& x, double h, const std::function<Scalar()>& loss) {
  const double before = x;
  const auto at = [&](double step) {
    x = before + step;
    return loss().value;
  };
  const double slope = (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h);
  x = before;
  return slope;
}

}  // namespace

Scalar dot(ConstMatRef weights, ConstMatRef m) {
  Scalar sum;
  for (std::size_t r = 0; r < m.rows; ++r) {
    for (std::size_t c = 0; c < m.cols; ++c) {
      const double term = weights.as<const double>().at(r, c) * m.as<const double>().at(r, c);
      sum.value += term;
      sum.terms += std::abs(term);
    }
  }
  return sum;
}

void expect_gradient(MatRef x, const std::function<Scalar()>& loss, ConstMatRef gradient,
                     std::string_view what) {
  constexpr double kStep = 0x1p-11;
  constexpr std::size_t kMost = 50;
  const double rounding = 64 * std::numeric_limits<double>::epsilon() * loss().terms / kStep;
  const std::size_t count = x.rows * x.cols;
  const std::size_t stride = count / kMost | 1U;  // odd, so that it visits every column
  for (std::size_t i = 0; i < count; i += stride) {
    const std::size_t r = i / x.cols;
    const std::size_t c = i % x.cols;
    double& element = x.as<double>().at(r, c);
    const double slope = fourth_order(element, kStep, loss);
    const double truncation = std::abs(slope - fourth_order(element, 2 * kStep, loss));
    const double got = gradient.as<const double>().at(r, c);
    ASSERT_LE(std::abs(got - slope), truncation + rounding)
        << what << ", row " << r << ", column " << c << ": " << got << ", not " << slope;
  }
}

}  // namespace cajal
