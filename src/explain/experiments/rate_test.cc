#include "explain/experiments/rate.h"

#include <gtest/gtest.h>

namespace cajal {
namespace {

// Wilson's own quadratic, (p - x)^2 = z^2 x (1 - x) / n, holds at both ends.
TEST(Rate, EndsSolveWilsonsEquation) {
  constexpr double kZ2 = 1.959963984540054 * 1.959963984540054;
  for (const std::size_t right : {1U, 3U, 50U, 83U, 99U}) {
    const Rate rate{right, 100};
    const Interval interval = wilson_95(rate);
    for (const double x : {interval.low, interval.high}) {
      EXPECT_NEAR((rate.share() - x) * (rate.share() - x), kZ2 * x * (1 - x) / 100.0, 1e-15);
    }
    EXPECT_LT(interval.low, rate.share());
    EXPECT_GT(interval.high, rate.share());
  }
}

TEST(Rate, IntervalIsAsPublished) {  // Newcombe 1998, table I: 81 of 263
  const Interval interval = wilson_95({81, 263});
  EXPECT_NEAR(interval.low, 0.2553, 5e-5);
  EXPECT_NEAR(interval.high, 0.3662, 5e-5);
}

TEST(Rate, NeverLeavesZeroToOne) {
  EXPECT_DOUBLE_EQ(wilson_95({0, 10}).low, 0.0);
  EXPECT_DOUBLE_EQ(wilson_95({10, 10}).high, 1.0);
  EXPECT_LE(wilson_95({10, 10}).high, 1.0);
  EXPECT_EQ(wilson_95({0, 0}).low, 0.0);
  EXPECT_EQ(wilson_95({0, 0}).high, 1.0);
}

}  // namespace
}  // namespace cajal
