// Gradients of row operations against central differences.
#include <cmath>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "ops/backend.h"
#include "ops/gradient_test.h"

namespace cajal {
namespace {

constexpr std::size_t kOddSizes[] = {1, 7, 8, 9, 15, 16, 17, 31, 33};
class RowGradients : public ::testing::Test {
 protected:
  static Sample normal(std::size_t rows, std::size_t cols, std::uint64_t stream) {
    return normal_sample(rows, cols, DType::F64, stream);
  }
  static Sample zeros(std::size_t rows, std::size_t cols) {
    return sample(rows, cols, DType::F64, std::vector<double>(rows * cols, 0.0));
  }
  std::unique_ptr<Backend> backend_ = make_reference_backend();
};

struct NormGradientCase {
  NormKind kind = NormKind::Rms;
  std::size_t rows = 0;
  std::size_t cols = 0;
  std::size_t gains = 1;  // 0: no gain
  double offset = 0;
  bool bias = false;
};

TEST_F(RowGradients, OfNormsMatchDifferences) {
  const auto expect = [&](const NormGradientCase& test) {
    const std::string what =
        fmt::format("norm {} of [{}, {}], {} gains, offset {}", static_cast<int>(test.kind),
                    test.rows, test.cols, test.gains, test.offset);
    Sample x = normal(test.rows, test.cols, 1);
    Sample gain = normal(std::max<std::size_t>(test.gains, 1), test.cols, 2);
    Sample bias = normal(1, test.cols, 3);
    const Sample dy = normal(test.rows, test.cols, 4);
    Sample out = zeros(test.rows, test.cols);
    const ConstMatRef used_gain = test.gains == 0 ? ConstMatRef{} : gain.ref();
    const auto loss = [&] {
      ops::normalize(*backend_, {.in = x.ref(),
                                 .gain = used_gain,
                                 .bias = test.bias ? bias.ref() : ConstMatRef{},
                                 .out = out.ref(),
                                 .kind = test.kind,
                                 .epsilon = 0.125,
                                 .gain_offset = test.offset});
      return dot(dy.ref(), out.ref());
    };
    Sample dx = zeros(test.rows, test.cols);
    Sample dgain = zeros(gain.rows(), test.cols);
    Sample dbias = zeros(1, test.cols);
    ops::normalize_vjp(*backend_, {.in = x.ref(),
                                   .gain = used_gain,
                                   .dy = dy.ref(),
                                   .dx = dx.ref(),
                                   .dgain = test.gains == 0 ? MatRef{} : dgain.ref(),
                                   .dbias = dbias.ref(),
                                   .kind = test.kind,
                                   .epsilon = 0.125,
                                   .gain_offset = test.offset});
    expect_gradient(x.ref(), loss, dx.ref(), what + ": dx");
    if (test.gains != 0) {
      expect_gradient(gain.ref(), loss, dgain.ref(), what + ": dgain");
    }
    if (test.bias) {
      expect_gradient(bias.ref(), loss, dbias.ref(), what + ": dbias");
    }
  };
  for (const NormKind kind : {NormKind::Rms, NormKind::Layer}) {
    for (const std::size_t cols : kOddSizes) {
      expect({kind, 5, cols, 1, 0, kind == NormKind::Layer});
    }
    expect({kind, 6, 9, 3, 0, true});
    expect({kind, 5, 16, 2, 1, false});
    expect({kind, 3, 17, 0, 0, true});
  }
}

TEST_F(RowGradients, OfAFrozenNormMatchDifferencesOfTheLinearMap) {
  for (const NormKind kind : {NormKind::Rms, NormKind::Layer}) {
    const Sample at = normal(3, 9, 1);
    Sample x = normal(3, 9, 5);
    const Sample gain = normal(1, 9, 2);
    const Sample dy = normal(3, 9, 3);
    Sample dx = zeros(3, 9);
    // (x - mean(x)) * gain / deviation(at) is what the frozen norm does to any x.
    Sample scales = zeros(3, 9);
    const auto loss = [&] {
      Scalar sum;
      for (std::size_t r = 0; r < 3; ++r) {
        double mean = 0;
        double mean_at = 0;
        double squares = 0;
        for (std::size_t c = 0; c < 9 && kind == NormKind::Layer; ++c) {
          mean += x.at(r, c) / 9;
          mean_at += at.at(r, c) / 9;
        }
        for (std::size_t c = 0; c < 9; ++c) {
          squares += (at.at(r, c) - mean_at) * (at.at(r, c) - mean_at) / 9;
        }
        for (std::size_t c = 0; c < 9; ++c) {
          const double term =
              dy.at(r, c) * gain.at(0, c) * (x.at(r, c) - mean) / std::sqrt(squares + 0.5);
          sum.value += term;
          sum.terms += std::abs(term);
        }
      }
      return sum;
    };
    ops::normalize_vjp(*backend_, {.in = at.ref(),
                                   .gain = gain.ref(),
                                   .dy = dy.ref(),
                                   .dx = dx.ref(),
                                   .kind = kind,
                                   .epsilon = 0.5,
                                   .frozen_scale = true});
    expect_gradient(x.ref(), loss, dx.ref(), "frozen norm");
  }
}

TEST_F(RowGradients, OfNormsAddWhatIsGivenAndKeepSums) {
  const Sample x = normal(4, 7, 1);
  const Sample dy = normal(4, 7, 2);
  const Sample add = normal(4, 7, 3);
  Sample dx = zeros(4, 7);
  Sample rounded(4, 7, DType::BF16);
  ops::normalize_vjp(*backend_, {.in = x.ref(), .dy = dy.ref(), .dx = dx.ref()});
  std::vector<double> want = elements(dx.ref());
  for (std::size_t i = 0; i < want.size(); ++i) {
    want[i] += elements(add.ref())[i];
  }
  Sample sums = normal(1, 7, 4);
  std::vector<double> before = elements(sums.ref());
  ops::normalize_vjp(*backend_, {.in = x.ref(),
                                 .dy = dy.ref(),
                                 .add = add.ref(),
                                 .dx = dx.ref(),
                                 .rounded_dx = rounded.ref(),
                                 .dbias = sums.ref()});
  EXPECT_EQ(elements(dx.ref()), want);
  EXPECT_EQ(bytes_of(rounded.ref()), bytes_of(copy_as(dx.ref(), DType::BF16).ref()));
  for (std::size_t c = 0; c < 7; ++c) {
    for (std::size_t r = 0; r < 4; ++r) {
      before[c] += dy.at(r, c);
    }
  }
  EXPECT_EQ(elements(sums.ref()), before);
}

TEST_F(RowGradients, OfActivationsMatchDifferences) {
  for (const Activation kind : kActivations) {
    for (const std::size_t cols : kOddSizes) {
      Sample x = normal(3, cols, 1);
      Sample up = normal(3, cols, 2);
      const Sample dy = normal(3, cols, 3);
      Sample out = zeros(3, cols);
      Sample dx = zeros(3, cols);
      Sample dup = zeros(3, cols);
      const std::string what = fmt::format("activation {}", static_cast<int>(kind));
      ops::activate_vjp(*backend_, kind, x.ref(), dy.ref(), dx.ref());
      expect_gradient(
          x.ref(),
          [&] {
            ops::activate(*backend_, kind, x.ref(), out.ref());
            return dot(dy.ref(), out.ref());
          },
          dx.ref(), what);
      ops::activate_gated_vjp(*backend_, kind, x.ref(), up.ref(), dy.ref(), dx.ref(), dup.ref());
      const auto gated = [&] {
        ops::activate_gated(*backend_, kind, x.ref(), up.ref(), out.ref());
        return dot(dy.ref(), out.ref());
      };
      expect_gradient(x.ref(), gated, dx.ref(), what + ", gate");
      expect_gradient(up.ref(), gated, dup.ref(), what + ", up");
    }
  }
}

TEST_F(RowGradients, OfTheClampedGateMatchDifferences) {
  Sample gate = normal(9, 17, 1);
  Sample up = normal(9, 17, 2);
  const Sample dy = normal(9, 17, 3);
  Sample out = zeros(9, 17);
  Sample dgate = zeros(9, 17);
  Sample dup = zeros(9, 17);
  const auto loss = [&] {
    ops::clamped_glu(*backend_, gate.ref(), up.ref(), 1.7, 0.9, out.ref());
    return dot(dy.ref(), out.ref());
  };
  ops::clamped_glu_vjp(*backend_, gate.ref(), up.ref(), 1.7, 0.9, dy.ref(), dgate.ref(), dup.ref());
  expect_gradient(gate.ref(), loss, dgate.ref(), "clamped gate");
  expect_gradient(up.ref(), loss, dup.ref(), "clamped up");
}

TEST_F(RowGradients, OfCapsClampsAndRotationsMatchDifferences) {
  Sample x = normal(3, 33, 1);
  const Sample dy = normal(3, 33, 2);
  Sample out = zeros(3, 33);
  Sample dx = zeros(3, 33);
  const auto loss_of = [&](const auto& op) {
    return [&, op] {
      op();
      return dot(dy.ref(), out.ref());
    };
  };
  const auto cap = loss_of([&] { ops::soft_cap(*backend_, x.ref(), 1.5, out.ref()); });
  cap();
  ops::soft_cap_vjp(*backend_, out.ref(), 1.5, dy.ref(), dx.ref());
  expect_gradient(x.ref(), cap, dx.ref(), "soft cap");
  const auto clamp = loss_of([&] { ops::clamp(*backend_, x.ref(), 0.8, out.ref()); });
  ops::clamp_vjp(*backend_, x.ref(), 0.8, dy.ref(), dx.ref());
  expect_gradient(x.ref(), clamp, dx.ref(), "clamp");
  const Sample cos = normal(3, 5, 3);  // not only rotations: tables may be scaled
  const Sample sin = normal(3, 5, 4);
  for (const bool neighbours : {false, true}) {
    const auto rotate = [&](MatRef m, bool transposed) {
      ops::rotate(*backend_, {.x = m,
                              .cos = cos.ref(),
                              .sin = sin.ref(),
                              .d_head = 11,
                              .neighbours = neighbours,
                              .transposed = transposed});
    };
    const auto rotated = loss_of([&] {
      backend_->copy(x.ref(), out.ref());
      rotate(out.ref(), false);
    });
    backend_->copy(dy.ref(), dx.ref());
    rotate(dx.ref(), true);
    expect_gradient(x.ref(), rotated, dx.ref(), "rotation");
  }
}

TEST_F(RowGradients, ColumnSumsAddUp) {
  const Sample x = sample(2, 3, DType::F64, {1, 2, 3, 10, 20, 30});
  Sample sums = sample(1, 3, DType::F64, {100, 0, -1});
  ops::add_column_sums(*backend_, x.ref(), sums.ref());
  EXPECT_EQ(elements(sums.ref()), (std::vector<double>{111, 22, 32}));
}

}  // namespace
}  // namespace cajal
