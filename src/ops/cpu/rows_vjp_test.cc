#include <cmath>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "ops/cpu/cpu_test.h"
#include "ops/cpu/isa.h"

namespace cajal {
namespace {

class CpuRowGradients : public CpuTest {
 protected:
  /// Inputs of one call: stored as `dtype` on cpu, the same numbers in double on ref.
  struct Input {
    Input(std::size_t rows, std::size_t cols, DType dtype, std::uint64_t stream, double deviation)
        : stored(normal_sample(rows, cols, dtype, stream, deviation)),
          exact(copy_as(stored.ref(), DType::F64)) {}
    ConstMatRef on(const Backend& backend) const {
      return backend.name() == "ref" ? exact.ref() : stored.ref();
    }
    Sample stored, exact;
  };
};

/// dx on ref and cpu, where relative + absolute * |dy| is allowed.
TEST_P(CpuRowGradients, OfActivationsEqualTheReference) {
  for (const std::size_t cols : {1U, 7U, 8U, 9U, 15U, 16U, 17U, 31U, 33U, 1030U}) {
    for (const DType in : {DType::F32, DType::BF16}) {
      for (const DType out : {DType::F32, DType::BF16}) {
        const Input gate(3, cols, in, 1, 3.0);
        const Input up(3, cols, in, 2, 1.0);
        const Input dy(3, cols, DType::F32, 3, 1.0);
        const double rounding = out == DType::BF16 ? 0x1p-8 : 0;
        // |x| < 15: slopes are below 1.2 (relu^2: 2|x|), their terms below |x| < 15; 30 roundings.
        std::vector<double> bound(3 * cols);
        for (const Activation kind : kActivations) {
          Sample dgate(3, cols, out);
          Sample dup(3, cols, out);
          Sample exact_gate(3, cols, DType::F64);
          Sample exact_up(3, cols, DType::F64);
          ops::activate_gated_vjp(*ref_, kind, gate.on(*ref_), up.on(*ref_), dy.on(*ref_),
                                  exact_gate.ref(), exact_up.ref());
          ops::activate_gated_vjp(*cpu_, kind, gate.on(*cpu_), up.on(*cpu_), dy.on(*cpu_),
                                  dgate.ref(), dup.ref());
          const std::string what =
              fmt::format("activation {}, {} columns", static_cast<int>(kind), cols);
          expect_close(dgate.ref(), exact_gate.ref(), rounding + 30 * kEpsilon,
                       15 * 5 * 5 * kEpsilon, what + ", gate");
          expect_close(dup.ref(), exact_up.ref(), rounding + 30 * kEpsilon, 15 * 5 * kEpsilon,
                       what + ", up");
          ops::activate_vjp(*ref_, kind, gate.on(*ref_), dy.on(*ref_), exact_gate.ref());
          ops::activate_vjp(*cpu_, kind, gate.on(*cpu_), dy.on(*cpu_), dgate.ref());
          expect_close(dgate.ref(), exact_gate.ref(), rounding + 30 * kEpsilon, 15 * 5 * kEpsilon,
                       what);
        }
      }
    }
  }
}

TEST_P(CpuRowGradients, OfActivationsMayReplaceTheirInputs) {
  const Sample gate = normal_sample(5, 33, DType::F32, 1);
  const Sample up = normal_sample(5, 33, DType::F32, 2);
  const Sample dy = normal_sample(5, 33, DType::F32, 3);
  Sample dgate(5, 33, DType::F32);
  Sample dup(5, 33, DType::F32);
  ops::activate_gated_vjp(*cpu_, Activation::Silu, gate.ref(), up.ref(), dy.ref(), dgate.ref(),
                          dup.ref());
  Sample first = copy_as(gate.ref(), DType::F32);
  Sample second = copy_as(up.ref(), DType::F32);
  ops::activate_gated_vjp(*cpu_, Activation::Silu, first.ref(), second.ref(), dy.ref(),
                          second.ref(), first.ref());
  EXPECT_EQ(bytes_of(second.ref()), bytes_of(dgate.ref()));
  EXPECT_EQ(bytes_of(first.ref()), bytes_of(dup.ref()));
}

TEST_P(CpuRowGradients, OfClampsCapsAndGatesEqualTheReference) {
  for (const std::size_t cols : kOddSizes) {
    const Input x(4, cols, DType::F32, 1, 2.0);
    const Input up(4, cols, DType::F32, 2, 2.0);
    const Input dy(4, cols, DType::F32, 3, 1.0);
    const auto compare = [&](const auto& f, double absolute, std::string_view what) {
      Sample got(4, cols, DType::F32);
      Sample also(4, cols, DType::F32);
      Sample want(4, cols, DType::F64);
      Sample wanted(4, cols, DType::F64);
      f(*ref_, want.ref(), wanted.ref());
      f(*cpu_, got.ref(), also.ref());
      expect_close(got.ref(), want.ref(), 8 * kEpsilon, absolute, what);
      expect_close(also.ref(), wanted.ref(), 8 * kEpsilon, absolute, what);
    };
    compare(
        [&](Backend& b, MatRef dx, MatRef other) {
          ops::clamp_vjp(b, x.on(b), 1.25, dy.on(b), dx);
          ops::soft_cap_vjp(b, up.on(b), 9, dy.on(b), other);
        },
        5 * 4 * kEpsilon, "clamp and cap");
    compare(
        [&](Backend& b, MatRef dgate, MatRef dup) {
          ops::clamped_glu_vjp(b, x.on(b), up.on(b), 1.702, 1.5, dy.on(b), dgate, dup);
        },
        5 * 2.5 * 3 * 20 * kEpsilon, "clamped gate");
  }
}

TEST_P(CpuRowGradients, OfRotationsUndoRotations) {
  for (const bool neighbours : {false, true}) {
    const Input cos(3, 17, DType::F32, 1, 1.0);
    const Input sin(3, 17, DType::F32, 2, 1.0);
    const Sample dy = normal_sample(3, 70, DType::F32, 3);
    const auto turn = [&](Backend& b, MatRef m) {
      ops::rotate(b, {.x = m,
                      .cos = cos.on(b),
                      .sin = sin.on(b),
                      .d_head = 35,
                      .neighbours = neighbours,
                      .transposed = true});
    };
    Sample got = copy_as(dy.ref(), DType::F32);
    Sample want = copy_as(dy.ref(), DType::F64);
    turn(*cpu_, got.ref());
    turn(*ref_, want.ref());
    expect_close(got.ref(), want.ref(), 0, 2 * 5 * 5 * 2 * kEpsilon, "rotation");
  }
}

struct NormCase {
  NormKind kind = NormKind::Rms;
  std::size_t rows = 0;
  std::size_t cols = 0;
  std::size_t gains = 1;  // 0: none
  double offset = 0;
  bool add = false;
  bool frozen = false;
};

/// Everything normalize_vjp gives.
struct NormResult {
  NormResult(const NormCase& c, DType dtype)
      : dx(c.rows, c.cols, dtype),
        rounded(c.rows, c.cols, DType::BF16),
        dgain(normal_sample(std::max<std::size_t>(c.gains, 1), c.cols, dtype, 8)),
        dbias(normal_sample(1, c.cols, dtype, 9)) {}
  Sample dx, rounded, dgain, dbias;
};

struct NormInputs {
  NormInputs(const NormCase& c, DType dtype)
      : x(copy_as(normal_sample(c.rows, c.cols, DType::F32, 1, 2.0).ref(), dtype)),
        gain(normal_sample(std::max<std::size_t>(c.gains, 1), c.cols, DType::BF16, 2)),
        dy(copy_as(normal_sample(c.rows, c.cols, DType::F32, 3).ref(), dtype)),
        add(copy_as(normal_sample(c.rows, c.cols, DType::F32, 4).ref(), dtype)) {}
  Sample x, gain, dy, add;
};

NormResult norm_vjp(Backend& backend, const NormCase& c) {
  const DType dtype = backend.activation_dtype();
  const NormInputs in(c, dtype);
  NormResult out(c, dtype);
  if (dtype == DType::F64) {  // both start from the same numbers
    const NormResult floats(c, DType::F32);
    backend.copy(copy_as(floats.dgain.ref(), DType::F64).ref(), out.dgain.ref());
    backend.copy(copy_as(floats.dbias.ref(), DType::F64).ref(), out.dbias.ref());
  }
  ops::normalize_vjp(backend, {.in = in.x.ref(),
                               .gain = c.gains == 0 ? ConstMatRef{} : in.gain.ref(),
                               .dy = in.dy.ref(),
                               .add = c.add ? in.add.ref() : ConstMatRef{},
                               .dx = out.dx.ref(),
                               .rounded_dx = out.rounded.ref(),
                               .dgain = c.gains == 0 ? MatRef{} : out.dgain.ref(),
                               .dbias = out.dbias.ref(),
                               .kind = c.kind,
                               .epsilon = 0.25,
                               .gain_offset = c.offset,
                               .frozen_scale = c.frozen});
  return out;
}

TEST_P(CpuRowGradients, OfNormsEqualTheReference) {
  const auto expect = [&](const NormCase& c) {
    const std::string what =
        fmt::format("norm {} of [{}, {}], {} gains, frozen {}", static_cast<int>(c.kind), c.rows,
                    c.cols, c.gains, c.frozen);
    const NormResult got = norm_vjp(*cpu_, c);
    const NormResult want = norm_vjp(*ref_, c);
    // 1 / deviation <= 2; |g| = |dy (gain + offset)| < 5 * 6, |y| < 4 (or sqrt(cols) if smaller):
    // terms of dx are below 2 * (30 + 30 + 4 * 30 * 4); sums of cols terms round cols / 8 times.
    const double roundings = static_cast<double>(c.cols) / 8 + 20;
    expect_close(got.dx.ref(), want.dx.ref(), 0, 2 * 540 * roundings * kEpsilon, what + ", dx");
    EXPECT_EQ(bytes_of(got.rounded.ref()), bytes_of(copy_as(got.dx.ref(), DType::BF16).ref()));
    const double rows = static_cast<double>(c.rows);
    const double sum = 20 * rows * (rows + 8) * kEpsilon;  // |dy y| < 20, rows of them
    expect_close(got.dgain.ref(), want.dgain.ref(), 0, sum, what + ", dgain");
    expect_close(got.dbias.ref(), want.dbias.ref(), 0, sum, what + ", dbias");
  };
  for (const NormKind kind : {NormKind::Rms, NormKind::Layer}) {
    for (const std::size_t cols : {1U, 7U, 8U, 9U, 15U, 16U, 17U, 31U, 33U, 192U}) {
      for (const bool frozen : {false, true}) {
        expect({kind, 5, cols, 1, 0, true, frozen});
        expect({kind, 6, cols, 3, 1, false, frozen});
      }
    }
    expect({kind, 7, 20, 0});
    expect({kind, 3000, 33, 6});
  }
}

TEST_P(CpuRowGradients, OfNormsMayReplaceWhatTheyAddTo) {
  const Sample x = normal_sample(4, 33, DType::F32, 1);
  const Sample dy = normal_sample(4, 33, DType::F32, 2);
  const Sample add = normal_sample(4, 33, DType::F32, 3);
  Sample dx(4, 33, DType::F32);
  const auto pull = [&](ConstMatRef back, ConstMatRef plus, MatRef out) {
    ops::normalize_vjp(*cpu_, {.in = x.ref(), .dy = back, .add = plus, .dx = out});
  };
  pull(dy.ref(), add.ref(), dx.ref());
  Sample over_add = copy_as(add.ref(), DType::F32);
  pull(dy.ref(), over_add.ref(), over_add.ref());
  EXPECT_EQ(bytes_of(over_add.ref()), bytes_of(dx.ref()));
  Sample over_dy = copy_as(dy.ref(), DType::F32);
  pull(over_dy.ref(), add.ref(), over_dy.ref());
  EXPECT_EQ(bytes_of(over_dy.ref()), bytes_of(dx.ref()));
}

TEST_P(CpuRowGradients, ColumnSumsEqualTheReference) {
  for (const std::size_t rows : {1U, 31U, 2000U}) {
    for (const std::size_t cols : {1U, 17U, 600U}) {
      for (const DType dtype : {DType::F32, DType::BF16}) {
        const Input in(rows, cols, dtype, 1, 1.0);
        Sample got = normal_sample(1, cols, DType::F32, 2);
        Sample want = copy_as(got.ref(), DType::F64);
        ops::add_column_sums(*cpu_, in.on(*cpu_), got.ref());
        ops::add_column_sums(*ref_, in.on(*ref_), want.ref());
        const auto count = static_cast<double>(rows);
        expect_close(got.ref(), want.ref(), kEpsilon, count * count * kEpsilon, "column sums");
      }
    }
  }
}

TEST_P(CpuRowGradients, ForwardFunctionsRoundToBf16Once) {
  const Sample x = normal_sample(5, 33, DType::F32, 1);
  Sample out(5, 33, DType::F32);
  Sample rounded(5, 33, DType::BF16);
  const auto expect_rounded = [&](const auto& f) {
    f(out.ref());
    f(rounded.ref());
    EXPECT_EQ(bytes_of(rounded.ref()), bytes_of(copy_as(out.ref(), DType::BF16).ref()));
  };
  expect_rounded([&](MatRef to) { ops::normalize(*cpu_, {.in = x.ref(), .out = to}); });
  expect_rounded([&](MatRef to) { ops::activate(*cpu_, Activation::Silu, x.ref(), to); });
  expect_rounded(
      [&](MatRef to) { ops::activate_gated(*cpu_, Activation::GeluErf, x.ref(), x.ref(), to); });
}

TEST_P(CpuRowGradients, BitsDoNotDependOnThreads) {
  const NormCase c = {NormKind::Layer, 3001, 48, 3, 0, true};
  expect_same_for_threads(
      [&] {
        const NormResult out = norm_vjp(*cpu_, c);
        auto bytes = bytes_of(out.dx.ref());
        for (const Sample* sums : {&out.dgain, &out.dbias}) {
          const auto more = bytes_of(sums->ref());
          bytes.insert(bytes.end(), more.begin(), more.end());
        }
        return bytes;
      },
      "norm");
  const Sample in = normal_sample(5000, 40, DType::F32, 1);
  expect_same_for_threads(
      [&] {
        Sample sums = normal_sample(1, 40, DType::F32, 2);
        ops::add_column_sums(*cpu_, in.ref(), sums.ref());
        return bytes_of(sums.ref());
      },
      "column sums");
  const std::vector<std::int32_t> rows(5000, 3);
  const std::vector<double> ones(5000, 1.0);
  expect_same_for_threads(
      [&] {
        Sample sums = normal_sample(4, 40, DType::F32, 2);
        ops::scatter_add(*cpu_, in.ref(), rows, ones, sums.ref());
        return bytes_of(sums.ref());
      },
      "scatter");
}

INSTANTIATE_TEST_SUITE_P(Isa, CpuRowGradients, ::testing::ValuesIn(cpu_isas()),
                         [](const auto& level) { return std::string(level.param); });

}  // namespace
}  // namespace cajal
