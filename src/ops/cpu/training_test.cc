#include <cmath>
#include <cstring>

#include <gtest/gtest.h>

#include "ops/cpu/cpu_test.h"
#include "ops/cpu/isa.h"

namespace cajal {
namespace {

using CpuTraining = CpuTest;

struct Loss {
  double value = 0;
  std::vector<double> nll;
  std::vector<std::uint8_t> correct;
};

Loss loss_of(Backend& backend, ConstMatRef logits, const std::vector<std::int32_t>& targets,
             MatRef dlogits) {
  Loss loss = {.nll = std::vector<double>(logits.rows),
               .correct = std::vector<std::uint8_t>(logits.rows)};
  loss.value = ops::cross_entropy(backend, {.logits = logits,
                                            .targets = targets,
                                            .weight = 0.125,
                                            .dlogits = dlogits,
                                            .nll = loss.nll,
                                            .correct = loss.correct});
  return loss;
}

/// Every fourth row does not count.
std::vector<std::int32_t> some_targets(std::size_t rows, std::size_t vocab) {
  std::vector<std::int32_t> targets(rows);
  for (std::size_t r = 0; r < rows; ++r) {
    targets[r] = r % 4 == 3 ? -1 : static_cast<std::int32_t>(r * 7 % vocab);
  }
  return targets;
}

TEST_P(CpuTraining, LossEqualsTheReference) {
  for (const std::size_t vocab : {1U, 7U, 8U, 9U, 15U, 16U, 17U, 31U, 33U, 3001U}) {
    for (const DType dtype : {DType::F32, DType::BF16}) {
      const std::size_t rows = 9;
      const Sample logits = normal_sample(rows, vocab, DType::F32, 1, 3.0);
      const Sample exact_logits = copy_as(logits.ref(), DType::F64);
      Sample dlogits(rows, vocab, dtype);
      Sample exact(rows, vocab, DType::F64);
      const auto targets = some_targets(rows, vocab);
      const Loss got = loss_of(*cpu_, logits.ref(), targets, dlogits.ref());
      const Loss want = loss_of(*ref_, exact_logits.ref(), targets, exact.ref());
      // Arguments of e^ are below 30, so their rounding is 30 epsilon of every probability.
      const double relative = 64 * kEpsilon;
      for (std::size_t r = 0; r < rows; ++r) {
        EXPECT_NEAR(got.nll[r], want.nll[r], relative);
      }
      EXPECT_NEAR(got.value, want.value, 0.125 * static_cast<double>(rows) * relative);
      EXPECT_EQ(got.correct, want.correct);
      const double rounding = dtype == DType::BF16 ? 0x1p-8 : 0;
      expect_close(dlogits.ref(), exact.ref(), relative + rounding, 0.125 * relative, "dlogits");
    }
  }
}

TEST_P(CpuTraining, GradientOfTheLossMayReplaceTheLogits) {
  const Sample logits = normal_sample(6, 33, DType::F32, 1);
  const auto targets = some_targets(6, 33);
  Sample dlogits(6, 33, DType::F32);
  const Loss apart = loss_of(*cpu_, logits.ref(), targets, dlogits.ref());
  Sample in_place = copy_as(logits.ref(), DType::F32);
  const Loss replaced = loss_of(*cpu_, in_place.ref(), targets, in_place.ref());
  EXPECT_EQ(bytes_of(in_place.ref()), bytes_of(dlogits.ref()));
  EXPECT_EQ(replaced.value, apart.value);
  EXPECT_EQ(replaced.correct, apart.correct);
}

TEST_P(CpuTraining, StepsOfAdamWEqualTheReference) {
  for (const std::size_t cols : kOddSizes) {
    Sample p = normal_sample(3, cols, DType::F32, 1);
    Sample m = normal_sample(3, cols, DType::F32, 2, 0.1);
    Sample v = normal_sample(3, cols, DType::F32, 3);
    for (std::size_t r = 0; r < 3; ++r) {
      for (float& x : v.ref().as<float>().row(r)) {
        x *= x;
      }
    }
    const Sample g = normal_sample(3, cols, DType::F32, 4);
    Sample rounded(3, cols, DType::BF16);
    Sample exact_p = copy_as(p.ref(), DType::F64);
    Sample exact_m = copy_as(m.ref(), DType::F64);
    Sample exact_v = copy_as(v.ref(), DType::F64);
    const Sample exact_g = copy_as(g.ref(), DType::F64);
    AdamWArgs args = {
        .clip = 0.7, .lr = 1e-2, .decay = 0.1, .correction1 = 0.271, .correction2 = 0.142625};
    args.p = p.ref(), args.m = m.ref(), args.v = v.ref(), args.g = g.ref();
    args.rounded = rounded.ref();
    ops::adamw_step(*cpu_, args);
    args.p = exact_p.ref(), args.m = exact_m.ref(), args.v = exact_v.ref();
    args.g = exact_g.ref(), args.rounded = {};
    ops::adamw_step(*ref_, args);
    expect_close(m.ref(), exact_m.ref(), 0, 5 * 4 * kEpsilon, "m");
    expect_close(v.ref(), exact_v.ref(), 6 * kEpsilon, 0x1p-126, "v");
    // |move| < lr |m| / (c1 sqrt(v / c2)), and sqrt(v) >= sqrt(0.05) |g'|: below 0.4 here.
    expect_close(p.ref(), exact_p.ref(), 2 * kEpsilon, 0.4 * 16 * kEpsilon, "p");
    EXPECT_EQ(bytes_of(rounded.ref()), bytes_of(copy_as(p.ref(), DType::BF16).ref()));
  }
}

TEST_P(CpuTraining, SquaresAreSummedInDouble) {
  for (const std::size_t cols : {1U, 7U, 8U, 9U, 15U, 16U, 17U, 31U, 33U, 40000U}) {
    const Sample x = normal_sample(3, cols, DType::F32, 1);
    const double want = ops::sum_of_squares(*ref_, copy_as(x.ref(), DType::F64).ref());
    EXPECT_NEAR(ops::sum_of_squares(*cpu_, x.ref()), want,
                want * 0x1p-52 * static_cast<double>(3 * cols));
    Matrix whole = Matrix::host(3, cols, DType::F32);
    convert(x.ref(), whole.ref());
    EXPECT_NEAR(ops::sum_of_squares(*cpu_, whole.ref()), want,
                want * 0x1p-52 * static_cast<double>(3 * cols));
  }
  EXPECT_TRUE(
      std::isnan(ops::sum_of_squares(*cpu_, sample(1, 3, DType::F32, {1, std::nan(""), 2}).ref())));
}

TEST_P(CpuTraining, RoundingIsToNearestEven) {
  const Sample x = normal_sample(5, 33, DType::F32, 1);
  Sample got(5, 33, DType::BF16);
  ops::round_to_bf16(*cpu_, x.ref(), got.ref());
  EXPECT_EQ(bytes_of(got.ref()), bytes_of(copy_as(x.ref(), DType::BF16).ref()));
}

TEST_P(CpuTraining, BitsDoNotDependOnThreads) {
  const Sample logits = normal_sample(200, 501, DType::F32, 1, 3.0);
  const auto targets = some_targets(200, 501);
  const auto bytes_of_double = [](double x) {
    std::vector<std::byte> bytes(sizeof x);
    std::memcpy(bytes.data(), &x, sizeof x);
    return bytes;
  };
  expect_same_for_threads(
      [&] { return bytes_of_double(loss_of(*cpu_, logits.ref(), targets, {}).value); }, "loss");
  expect_same_for_threads([&] { return bytes_of_double(ops::sum_of_squares(*cpu_, logits.ref())); },
                          "squares");
}

INSTANTIATE_TEST_SUITE_P(Isa, CpuTraining, ::testing::ValuesIn(cpu_isas()),
                         [](const auto& level) { return std::string(level.param); });

}  // namespace
}  // namespace cajal
