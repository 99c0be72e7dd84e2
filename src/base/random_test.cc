#include "base/random.h"

#include <gtest/gtest.h>

namespace cajal {
namespace {

// Known answers of Philox4x32-10, from the Random123 distribution (kat_vectors).
TEST(Random, EqualsThePublishedPhiloxVectors) {
  EXPECT_EQ(random_bits(0, 0, 0) & 0xffffffffU, 0x6627e8d5U);
  EXPECT_EQ(random_bits(0, 0, 0) >> 32U, 0xe169c58dU);
  const std::uint64_t ones = ~std::uint64_t{0};
  EXPECT_EQ(random_bits(ones, ones, ones) & 0xffffffffU, 0x408f276dU);
  EXPECT_EQ(random_bits(ones, ones, ones) >> 32U, 0x41c83b0eU);
}

TEST(Random, UniformHasTheRightMean) {
  double sum = 0;
  double squares = 0;
  constexpr int kDraws = 20000;
  for (std::uint64_t i = 0; i < kDraws; ++i) {
    const double z = random_normal(7, 1, i);
    const double u = random_uniform(7, 2, i);
    ASSERT_GE(u, 0.0);
    ASSERT_LT(u, 1.0);
    sum += u;
    squares += z * z;
  }
  EXPECT_NEAR(sum / kDraws, 0.5, 5 * 0.2887 / 141.4);  // five standard errors
  EXPECT_NEAR(squares / kDraws, 1.0, 5 * 1.4142 / 141.4);
}

}  // namespace
}  // namespace cajal
