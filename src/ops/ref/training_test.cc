// Loss and optimiser against differences, and numbers worked out by hand.
#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ops/backend.h"
#include "ops/gradient_test.h"

namespace cajal {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;

class Training : public ::testing::Test {
 protected:
  static Sample f64(std::size_t rows, std::size_t cols, const std::vector<double>& values) {
    return sample(rows, cols, DType::F64, values);
  }
  std::unique_ptr<Backend> backend_ = make_reference_backend();
};

TEST_F(Training, GradientOfTheLossMatchesDifferences) {
  for (const std::size_t vocab : std::vector<std::size_t>{1, 7, 8, 9, 15, 16, 17, 31, 33}) {
    Sample logits = normal_sample(4, vocab, DType::F64, 1, 3.0);
    Sample dlogits = normal_sample(4, vocab, DType::F64, 2);
    const auto last = static_cast<std::int32_t>(vocab) - 1;
    const std::vector<std::int32_t> targets = {0, -1, last, last / 2};
    const auto loss = [&] {
      const double value = ops::cross_entropy(
          *backend_, {.logits = logits.ref(), .targets = targets, .weight = 0.25});
      return Scalar{value, value + 1};
    };
    ops::cross_entropy(
        *backend_,
        {.logits = logits.ref(), .targets = targets, .weight = 0.25, .dlogits = dlogits.ref()});
    expect_gradient(logits.ref(), loss, dlogits.ref(), "loss");
    for (const double x : elements(dlogits.ref().row_range(1, 1))) {
      EXPECT_EQ(x, 0.0);
    }
  }
}

TEST_F(Training, LossIsTheWeightedSumAndRowsAreReported) {
  const double one = std::log(1.0);
  const Sample logits = f64(3, 2, {one, std::log(3.0), 5, 5, 7, 9});
  const std::vector<std::int32_t> targets = {1, 0, -1};
  std::vector<double> nll(3);
  std::vector<std::uint8_t> correct(3);
  const double loss = ops::cross_entropy(
      *backend_,
      {.logits = logits.ref(), .targets = targets, .weight = 0.5, .nll = nll, .correct = correct});
  EXPECT_THAT(nll, ElementsAre(DoubleNear(std::log(4.0 / 3), 1e-15),
                               DoubleNear(std::log(2.0), 1e-15), 0.0));
  EXPECT_THAT(correct, ElementsAre(1, 1, 0));
  EXPECT_NEAR(loss, 0.5 * (std::log(4.0 / 3) + std::log(2.0)), 1e-15);
}

TEST_F(Training, LossOfHugeLogitsIsFinite) {
  Sample logits = f64(1, 3, {-1e5, 1e5, 0});
  const std::vector<std::int32_t> targets = {0};
  EXPECT_EQ(ops::cross_entropy(*backend_, {.logits = logits.ref(), .targets = targets}), 2e5);
}

TEST_F(Training, AStepOfAdamWIsItsFormula) {
  Sample p = f64(1, 2, {1, -2});
  Sample m = f64(1, 2, {0.5, 0});
  Sample v = f64(1, 2, {0.25, 0});
  const Sample g = f64(1, 2, {2, -4});
  Sample rounded(1, 2, DType::BF16);
  ops::adamw_step(*backend_, {.p = p.ref(),
                              .m = m.ref(),
                              .v = v.ref(),
                              .g = g.ref(),
                              .rounded = rounded.ref(),
                              .clip = 0.5,
                              .lr = 0.1,
                              .decay = 0.5,
                              .beta1 = 0.5,
                              .beta2 = 0.75,
                              .epsilon = 0.25,
                              .correction1 = 0.5,
                              .correction2 = 0.25});
  EXPECT_THAT(elements(m.ref()), ElementsAre(0.75, -1));
  EXPECT_THAT(elements(v.ref()), ElementsAre(0.4375, 1));
  const double first = 0.95 - 0.1 / 0.5 * 0.75 / (std::sqrt(0.4375) / 0.5 + 0.25);
  const double second = -1.9 + 0.1 / 0.5 * 1 / (1 / 0.5 + 0.25);
  EXPECT_THAT(elements(p.ref()), ElementsAre(DoubleNear(first, 1e-15), DoubleNear(second, 1e-15)));
  EXPECT_EQ(bytes_of(rounded.ref()), bytes_of(copy_as(p.ref(), DType::BF16).ref()));
}

TEST_F(Training, SquaresAddUp) {
  EXPECT_EQ(ops::sum_of_squares(*backend_, f64(2, 2, {1, 2, 3, -4}).ref()), 30);
  EXPECT_TRUE(std::isnan(ops::sum_of_squares(*backend_, f64(1, 2, {1, NAN}).ref())));
}

TEST_F(Training, RoundingIsToNearestEven) {
  const Sample x = f64(1, 4, {1 + 0x1p-8, 1 + 0x3p-8, -1 - 0x1.8p-8, 3});
  Sample out(1, 4, DType::BF16);
  ops::round_to_bf16(*backend_, x.ref(), out.ref());
  EXPECT_THAT(elements(out.ref()), ElementsAre(1, 1 + 0x1p-6, -1 - 0x1p-7, 3));
}

}  // namespace
}  // namespace cajal
