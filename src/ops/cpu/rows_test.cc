#include <cmath>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "ops/cpu/cpu_test.h"
#include "ops/cpu/isa.h"

namespace cajal {
namespace {

using CpuRows = CpuTest;

/// One row of `count` values that cover [-limit, limit] and its surroundings of 0.
Sample sweep(std::size_t count, double limit) {
  std::vector<double> values(count);
  for (std::size_t i = 0; i < count; ++i) {
    const double x = 2.0 * static_cast<double>(i) / static_cast<double>(count - 1) - 1.0;
    values[i] = static_cast<double>(static_cast<float>(limit * x * x * x));
  }
  return sample(1, count, DType::F32, values);
}

/// A function of one matrix on both backends: out and in are [rows, cols].
using Unary = std::function<void(Backend&, ConstMatRef in, MatRef out)>;

void compare(Backend& cpu, Backend& ref, const Sample& in, const Unary& f, double relative,
             double absolute, std::string_view what) {
  const Sample exact_in = copy_as(in.ref(), DType::F64);
  Sample exact(in.rows(), in.cols(), DType::F64);
  Sample out(in.rows(), in.cols(), DType::F32);
  f(ref, exact_in.ref(), exact.ref());
  f(cpu, in.ref(), out.ref());
  expect_close(out.ref(), exact.ref(), relative, absolute, what);
  Sample in_place = copy_as(in.ref(), DType::F32);
  f(cpu, in_place.ref(), in_place.ref());
  EXPECT_EQ(bytes_of(in_place.ref()), bytes_of(out.ref())) << what << ", in place";
}

TEST_P(CpuRows, ActivationsAreExactToAFewUlp) {
  const Sample in = sweep(20001, 30);
  for (const Activation kind : kActivations) {
    // 1 / (1 + e^-x) loses digits where it is tiny: relative to x, nothing is lost.
    const auto apply = [&](Backend& backend, ConstMatRef x, MatRef y) {
      ops::activate(backend, kind, x, y);
    };
    compare(*cpu_, *ref_, in, apply, 8 * kEpsilon, 2 * kEpsilon,
            fmt::format("activation {}", static_cast<int>(kind)));
  }
}

TEST_P(CpuRows, SiluAndGeluKeepTheirDigitsInTheTail) {
  const Sample in = sweep(5001, 8);
  for (const Activation kind : {Activation::GeluErf, Activation::Silu}) {
    const auto apply = [&](Backend& backend, ConstMatRef x, MatRef y) {
      ops::activate(backend, kind, x, y);
    };
    // The rounding of x^2 / 2 <= 32 shows in e^-(x^2 / 2), as do the digits of the fit.
    compare(*cpu_, *ref_, in, apply, 200 * kEpsilon, 1e-12, "tail");
  }
}

TEST_P(CpuRows, ActivationsOfTheExtremes) {
  const double infinity = std::numeric_limits<double>::infinity();
  const Sample in =
      sample(1, 8, DType::F32, {infinity, std::nan(""), 0.0, 1e-30, -1e-30, 3e38, 100, 1e-45});
  for (const Activation kind : kActivations) {
    const auto apply = [&](Backend& backend, ConstMatRef x, MatRef y) {
      ops::activate(backend, kind, x, y);
    };
    if (kind == Activation::ReluSquared) {
      continue;  // overflows f32, as it must
    }
    compare(*cpu_, *ref_, in, apply, 8 * kEpsilon, 1e-37, "extremes");
  }
}

TEST_P(CpuRows, ElementwiseFunctionsOfOddSizes) {
  for (const std::size_t rows : kOddSizes) {
    for (const std::size_t cols : kOddSizes) {
      const Sample in = normal_sample(rows, cols, DType::F32, 5, 4.0);
      const std::string what = fmt::format("[{}, {}]", rows, cols);
      const auto on = [&](const Unary& f, double relative) {
        compare(*cpu_, *ref_, in, f, relative, 0x1p-126, what);
      };
      on([](Backend& b, ConstMatRef x, MatRef y) { ops::scale(b, x, 0.5, y); }, 0);
      on([](Backend& b, ConstMatRef x, MatRef y) { ops::scale(b, x, 0.3, y); }, 3 * kEpsilon);
      on([](Backend& b, ConstMatRef x, MatRef y) { ops::clamp(b, x, 2, y); }, 0);
      on([](Backend& b, ConstMatRef x, MatRef y) { ops::soft_cap(b, x, 3, y); }, 8 * kEpsilon);
      on([](Backend& b, ConstMatRef x, MatRef y) { ops::soft_cap(b, x, 50, y); }, 8 * kEpsilon);
    }
  }
}

TEST_P(CpuRows, TanhIsExactToAFewUlp) {
  const auto apply = [](Backend& b, ConstMatRef x, MatRef y) { ops::soft_cap(b, x, 1, y); };
  compare(*cpu_, *ref_, sweep(20001, 12), apply, 6 * kEpsilon, 0x1p-126, "tanh");
}

TEST_P(CpuRows, GatesOfOddSizes) {
  for (const std::size_t rows : {std::size_t{1}, std::size_t{3}}) {
    for (const std::size_t cols : kOddSizes) {
      const Sample gate = normal_sample(rows, cols, DType::F32, 6, 2.0);
      const Sample up = normal_sample(rows, cols, DType::F32, 7, 2.0);
      const Sample exact_up = copy_as(up.ref(), DType::F64);
      const auto second = [&](Backend& b) { return &b == cpu_.get() ? up.ref() : exact_up.ref(); };
      for (const Activation kind : kActivations) {
        const auto apply = [&](Backend& b, ConstMatRef x, MatRef y) {
          ops::activate_gated(b, kind, x, second(b), y);
        };
        compare(*cpu_, *ref_, gate, apply, 12 * kEpsilon, 20 * kEpsilon, "gated");
      }
      const auto clamped = [&](Backend& b, ConstMatRef x, MatRef y) {
        ops::clamped_glu(b, x, second(b), 1.702, 1.5, y);
      };
      compare(*cpu_, *ref_, gate, clamped, 12 * kEpsilon, 4 * kEpsilon, "clamped");
      const auto sum = [&](Backend& b, ConstMatRef x, MatRef y) {
        ops::add_scaled(b, x, second(b), 0.25, y);
      };
      compare(*cpu_, *ref_, gate, sum, 0, 16 * kEpsilon, "sum");
    }
  }
}

TEST_P(CpuRows, NormalizesOddSizesWithEveryGain) {
  for (const std::size_t cols : {1U, 2U, 7U, 8U, 9U, 15U, 16U, 17U, 31U, 33U, 64U, 65U, 300U}) {
    for (const DType dtype : kFloats) {
      for (const NormKind kind : {NormKind::Rms, NormKind::Layer}) {
        const std::size_t rows = 6;
        const Sample in = normal_sample(rows, cols, DType::F32, 8, 3.0);
        const Sample exact_in = copy_as(in.ref(), DType::F64);
        const Sample gain = normal_sample(kind == NormKind::Rms ? 3 : 1, cols, dtype, 9);
        const Sample bias = normal_sample(1, cols, dtype, 10);
        Sample out(rows, cols, DType::F32);
        Sample normalized(rows, cols, DType::F32);
        Sample exact(rows, cols, DType::F64);
        Sample exact_normalized(rows, cols, DType::F64);
        NormArgs args = {.in = in.ref(),
                         .gain = gain.ref(),
                         .out = out.ref(),
                         .normalized = normalized.ref(),
                         .kind = kind,
                         .epsilon = 1e-3,
                         .gain_offset = kind == NormKind::Rms ? 1.0 : 0.0};
        if (kind == NormKind::Layer) {
          args.bias = bias.ref();
        }
        ops::normalize(*cpu_, args);
        args.in = exact_in.ref();
        args.out = exact.ref();
        args.normalized = exact_normalized.ref();
        ops::normalize(*ref_, args);
        // |x / rms| <= sqrt(cols); the mean's error counts against what is left after it.
        const double size = std::sqrt(static_cast<double>(cols));
        const double bound = (20 + size) * kEpsilon * 4;
        expect_close(normalized.ref(), exact_normalized.ref(), bound, bound, "normalized");
        expect_close(out.ref(), exact.ref(), bound * 4, bound * 4, "out");
      }
    }
  }
}

TEST_P(CpuRows, NormalizesInPlaceWithoutGain) {
  Sample x = normal_sample(5, 40, DType::F32, 11);
  Sample out(5, 40, DType::F32);
  ops::normalize(*cpu_, {.in = x.ref(), .out = out.ref()});
  ops::normalize(*cpu_, {.in = x.ref(), .out = x.ref()});
  EXPECT_EQ(bytes_of(x.ref()), bytes_of(out.ref()));
}

TEST_P(CpuRows, RotatesHeadsOfOddSizes) {
  for (const std::size_t pairs : kOddSizes) {
    for (const bool neighbours : {false, true}) {
      for (const DType dtype : kFloats) {
        const std::size_t d_head = 2 * pairs + 1;
        Sample x = normal_sample(3, 2 * d_head, DType::F32, 12);
        Sample exact = copy_as(x.ref(), DType::F64);
        const Sample cos = normal_sample(3, pairs, dtype, 13);
        const Sample sin = normal_sample(3, pairs, dtype, 14);
        RotateArgs args = {.x = x.ref(),
                           .cos = cos.ref(),
                           .sin = sin.ref(),
                           .d_head = d_head,
                           .neighbours = neighbours};
        ops::rotate(*cpu_, args);
        args.x = exact.ref();
        ops::rotate(*ref_, args);
        expect_close(x.ref(), exact.ref(), 0, 60 * kEpsilon, "rotated");  // |x| + |y| < 15
      }
    }
  }
}

TEST_P(CpuRows, GathersEveryTypeAndScatters) {
  for (const DType dtype : kFloats) {
    for (const std::size_t cols : kOddSizes) {
      const Sample table = normal_sample(9, cols, dtype, 15);
      const std::vector<std::int32_t> rows = {8, 0, 3, 3};
      Sample out(rows.size(), cols, DType::F32);
      Sample exact(rows.size(), cols, DType::F64);
      ops::gather(*cpu_, table.ref(), rows, 1.0, out.ref());
      ops::gather(*ref_, table.ref(), rows, 1.0, exact.ref());
      expect_close(out.ref(), exact.ref(), dtype == DType::F64 ? kEpsilon : 0, 0, "gather");
      Sample sums = normal_sample(9, cols, DType::F32, 16);
      Sample exact_sums = copy_as(sums.ref(), DType::F64);
      const std::vector<double> factors = {1, -2, 0.5, 3};
      ops::scatter_add(*cpu_, out.ref(), rows, factors, sums.ref());
      ops::scatter_add(*ref_, exact.ref(), rows, factors, exact_sums.ref());
      expect_close(sums.ref(), exact_sums.ref(), 0, 60 * kEpsilon, "scatter_add");
    }
  }
}

TEST_P(CpuRows, BitsDoNotDependOnThreads) {
  const Sample in = normal_sample(70, 900, DType::F32, 17);
  Sample out(70, 900, DType::F32);
  const auto check = [&](const std::function<void()>& compute, std::string_view what) {
    expect_same_for_threads(
        [&] {
          compute();
          return bytes_of(out.ref());
        },
        what);
  };
  check([&] { ops::normalize(*cpu_, {.in = in.ref(), .out = out.ref()}); }, "normalize");
  check([&] { ops::activate(*cpu_, Activation::GeluErf, in.ref(), out.ref()); }, "activate");
  std::vector<std::int32_t> rows(70, 1);
  const std::vector<double> factors(70, 0.3);
  check(
      [&] {
        ops::scale(*cpu_, in.ref(), 1, out.ref());
        ops::scatter_add(*cpu_, in.ref(), rows, factors, out.ref());
      },
      "scatter_add");
}

INSTANTIATE_TEST_SUITE_P(Isa, CpuRows, ::testing::ValuesIn(cpu_isas()),
                         [](const auto& level) { return std::string(level.param); });

}  // namespace
}  // namespace cajal
