#include <array>
#include <cmath>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "ops/cpu/cpu_test.h"
#include "ops/cpu/few_rows.h"
#include "ops/cpu/isa.h"
#include "testing/compare.h"

namespace cajal {
namespace {

struct ProductCase {
  std::size_t m = 0, k = 0, n = 0;
  DType weights = DType::F32;
  Transpose transpose_a = Transpose::No;
  Transpose transpose_b = Transpose::No;
  bool bias = false;
  double alpha = 1.0;
  double beta = 0.0;
  Precision precision = Precision::F32;
  DType activations = DType::F32;
  DType result = DType::F32;

  std::string name() const {
    return fmt::format("[{}, {}] * [{}, {}] {} in {}, transposed {}{}, bias {}, alpha {}, beta {}",
                       m, k, k, n, name_of(weights), name_of(precision),
                       static_cast<int>(transpose_a), static_cast<int>(transpose_b), bias, alpha,
                       beta);
  }
};

/// The inputs of a product, on both backends.
struct ProductInputs {
  explicit ProductInputs(const ProductCase& c)
      : a(c.transpose_a == Transpose::Yes ? normal_sample(c.k, c.m, c.activations, 1)
                                          : normal_sample(c.m, c.k, c.activations, 1)),
        b(c.transpose_b == Transpose::Yes ? normal_sample(c.n, c.k, c.weights, 2)
                                          : normal_sample(c.k, c.n, c.weights, 2)),
        bias(normal_sample(1, c.n, c.weights, 3)),
        out(normal_sample(c.m, c.n, c.result, 4)),
        exact_a(copy_as(a.ref(), DType::F64)),
        exact(copy_as(out.ref(), DType::F64)) {}

  GemmArgs args(const ProductCase& c, ConstMatRef left, MatRef result) const {
    return {.a = left,
            .b = b.ref(),
            .bias = c.bias ? bias.ref() : ConstMatRef{},
            .out = result,
            .transpose_a = c.transpose_a,
            .transpose_b = c.transpose_b,
            .alpha = c.alpha,
            .beta = c.beta,
            .precision = c.precision};
  }

  Sample a, b, bias, out, exact_a, exact;
};

Sample absolute(ConstMatRef m) {
  std::vector<double> values = elements(m);
  for (double& x : values) {
    x = std::abs(x);
  }
  return sample(m.rows, m.cols, DType::F64, values);
}

/// |alpha| sum |a| |b| + |bias| + |beta out|, of which errors are fractions.
std::vector<double> magnitudes(Backend& ref, const ProductCase& c, const ProductInputs& in) {
  const Sample a = absolute(in.a.ref());
  const Sample b = absolute(in.b.ref());
  const Sample bias = absolute(in.bias.ref());
  Sample out = absolute(in.out.ref());
  GemmArgs args = in.args(c, a.ref(), out.ref());
  args.b = b.ref();
  args.bias = c.bias ? bias.ref() : ConstMatRef{};
  args.alpha = std::abs(c.alpha);
  args.beta = std::abs(c.beta);
  ops::gemm(ref, args);
  return elements(out.ref());
}

/// What rounding the operands may cost, relative to sum |a| |b|.
double operand_error(Precision precision) {
  switch (precision) {
    case Precision::F32:
      return 0x1p-24;  // F64 weights are rounded to f32
    case Precision::BF16:
      return 0x1.01p-7;  // 2^-8 on each side: seven bits after the point
    case Precision::BF16x2:
      return 0x1p-16;  // F32 weights make it BF16x3
    case Precision::BF16x3:
      return 0x1p-16;  // 2^-18 left of each side, 2^-18 for the product of the lower halves
  }
  return 0;
}

void compare(Backend& cpu, Backend& ref, const ProductCase& c) {
  ProductInputs in(c);
  std::vector<double> bound = magnitudes(ref, c, in);
  for (double& x : bound) {
    x *= operand_error(c.precision) + static_cast<double>(c.k + 4) * kEpsilon +
         (c.result == DType::BF16 ? 0x1p-8 : 0.0);
  }
  ops::gemm(ref, in.args(c, in.exact_a.ref(), in.exact.ref()));
  ops::gemm(cpu, in.args(c, in.a.ref(), in.out.ref()));
  expect_close(in.out.ref(), in.exact.ref(), bound, c.name());
}

std::vector<std::byte> product(Backend& cpu, const ProductCase& c) {
  ProductInputs in(c);
  ops::gemm(cpu, in.args(c, in.a.ref(), in.out.ref()));
  return bytes_of(in.out.ref());
}

using CpuDense = CpuTest;

TEST_P(CpuDense, MultipliesOddSizes) {
  std::size_t turn = 0;
  for (const std::size_t m : kOddSizes) {
    for (const std::size_t k : kOddSizes) {
      const std::size_t n = kOddSizes[++turn % std::size(kOddSizes)];
      for (const Transpose b : {Transpose::No, Transpose::Yes}) {
        const DType weights = kFloats[turn % 4];
        compare(*cpu_, *ref_, {.m = m, .k = k, .n = n, .weights = weights, .transpose_b = b});
      }
    }
  }
}

TEST_P(CpuDense, MultipliesFewRowsOfOddSizes) {
  for (std::size_t m = 1; m <= 16; m += 3) {
    for (const std::size_t k : kOddSizes) {
      for (const std::size_t n : kOddSizes) {
        for (const Transpose b : {Transpose::No, Transpose::Yes}) {
          const DType weights = m <= 4 && n % 2 == 0 ? DType::F32 : kFloats[1 + k % 2];
          compare(*cpu_, *ref_, {.m = m, .k = k, .n = n, .weights = weights, .transpose_b = b});
        }
      }
    }
  }
}

TEST_P(CpuDense, MultipliesFewRowsOfFewInputsAndManyOutputs) {
  for (const std::size_t k : {std::size_t{1}, std::size_t{2}, std::size_t{3}}) {
    for (const DType weights : {DType::F32, DType::BF16}) {
      for (const Transpose b : {Transpose::No, Transpose::Yes}) {
        compare(*cpu_, *ref_, {.m = 1, .k = k, .n = 70001, .weights = weights, .transpose_b = b});
        compare(*cpu_, *ref_, {.m = 3, .k = k, .n = 70001, .weights = weights, .transpose_b = b});
      }
    }
  }
}

TEST_P(CpuDense, LongSumsAreAddedInShortChains) {
  constexpr std::size_t k = 20003;
  constexpr std::size_t n = 33;
  // Added one after the other these round to the same side each time: 2,500 of them exceed the
  // bound of as many as are allowed.
  constexpr float kWeight = 1.6763916F;
  const Sample a = sample(1, k, DType::F32, std::vector<double>(k, 1.0));
  const Sample b = sample(k, n, DType::F32, std::vector<double>(k * n, kWeight));
  Sample out = sample(1, n, DType::F32, std::vector<double>(n, 0.0));
  ops::gemm(*cpu_, {.a = a.ref(), .b = b.ref(), .out = out.ref()});
  double want = 0.0;
  for (std::size_t i = 0; i < k; ++i) {
    want += static_cast<double>(kWeight);
  }
  const double chains = std::ceil(static_cast<double>(k) / cpu::kLongestChain) + 1.0;
  const double bound = (cpu::kLongestChain + chains) * kEpsilon * want;
  for (const double got : elements(out.ref())) {
    EXPECT_NEAR(got, want, bound);
  }
}

TEST_P(CpuDense, LongSumsOfFewRowsAreExactEnough) {
  for (const DType weights : {DType::F32, DType::BF16}) {
    for (const std::size_t k : {std::size_t{20000}, std::size_t{20003}}) {
      const ProductCase c = {.m = 2, .k = k, .n = 37, .weights = weights};
      compare(*cpu_, *ref_, c);
      expect_same_for_threads([&] { return product(*cpu_, c); }, c.name());
    }
  }
}

TEST_P(CpuDense, MultipliesEveryTypeAndTransposition) {
  for (const std::size_t m :
       {std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{8}, std::size_t{33}}) {
    for (const DType weights : kFloats) {
      for (const Transpose a : {Transpose::No, Transpose::Yes}) {
        for (const Transpose b : {Transpose::No, Transpose::Yes}) {
          for (const bool bias : {false, true}) {
            compare(*cpu_, *ref_,
                    {.m = m,
                     .k = 65,
                     .n = 131,
                     .weights = weights,
                     .transpose_a = a,
                     .transpose_b = b,
                     .bias = bias});
          }
        }
      }
    }
  }
}

TEST_P(CpuDense, ScalesAndAddsTo) {
  for (const std::size_t m : {std::size_t{1}, std::size_t{5}, std::size_t{40}}) {
    for (const DType weights : kFloats) {
      for (const Transpose b : {Transpose::No, Transpose::Yes}) {
        compare(*cpu_, *ref_,
                {.m = m,
                 .k = 33,
                 .n = 70,
                 .weights = weights,
                 .transpose_b = b,
                 .bias = true,
                 .alpha = -0.75,
                 .beta = 0.5});
        compare(*cpu_, *ref_,
                {.m = m, .k = 33, .n = 70, .weights = weights, .transpose_b = b, .beta = 1});
      }
    }
  }
}

TEST_P(CpuDense, MultipliesManyBlocks) {
  for (const Transpose b : {Transpose::No, Transpose::Yes}) {
    compare(*cpu_, *ref_, {.m = 520, .k = 65, .n = 129, .transpose_b = b, .bias = true});
    compare(*cpu_, *ref_, {.m = 17, .k = 4100, .n = 130, .weights = DType::BF16, .transpose_b = b});
    compare(*cpu_, *ref_, {.m = 3, .k = 2000, .n = 700, .weights = DType::F16, .transpose_b = b});
    compare(*cpu_, *ref_, {.m = 1, .k = 1003, .n = 517, .transpose_b = b, .bias = true});
    compare(*cpu_, *ref_, {.m = 2, .k = 70, .n = 3301, .weights = DType::BF16, .transpose_b = b});
  }
}

TEST_P(CpuDense, LowPrecisionsStayWithinTheirRoundings) {
  for (const Precision precision : {Precision::BF16, Precision::BF16x2, Precision::BF16x3}) {
    if (!cpu_->has(precision)) {
      GTEST_SKIP() << "no bf16 products here";
    }
    for (const std::size_t m : {std::size_t{1}, std::size_t{33}}) {
      for (const DType weights : kFloats) {
        for (const Transpose b : {Transpose::No, Transpose::Yes}) {
          for (const std::size_t k : {std::size_t{7}, std::size_t{2060}}) {
            compare(*cpu_, *ref_,
                    {.m = m,
                     .k = k,
                     .n = 66,
                     .weights = weights,
                     .transpose_b = b,
                     .bias = true,
                     .beta = k == 7 ? 2.0 : 0.0,
                     .precision = precision});
          }
        }
      }
    }
  }
}

TEST_P(CpuDense, MultipliesLongMatricesOfEveryType) {
  for (const Precision precision : {Precision::F32, Precision::BF16}) {
    for (const DType activations : {DType::F32, DType::BF16}) {
      for (const DType weights : {DType::F32, DType::BF16, DType::F16}) {
        for (const Transpose a : {Transpose::No, Transpose::Yes}) {
          const Transpose b = weights == DType::BF16 ? Transpose::No : Transpose::Yes;
          ProductCase c = {.m = 2061,
                           .k = 7,
                           .n = 9,
                           .weights = weights,
                           .transpose_a = a,
                           .transpose_b = b,
                           .precision = precision,
                           .activations = activations};
          if (a == Transpose::Yes) {
            std::swap(c.m, c.k);
            c.transpose_b = Transpose::No;
          }
          if (!cpu_->has(precision)) {
            continue;
          }
          compare(*cpu_, *ref_, c);
          c.beta = 1;
          compare(*cpu_, *ref_, c);
          c.result = DType::BF16;
          c.bias = true;
          compare(*cpu_, *ref_, c);
          c.beta = 0, c.bias = false;
          (c.transpose_a == Transpose::No ? c.m : c.k) = 101;
          compare(*cpu_, *ref_, c);
        }
      }
    }
  }
}

TEST_P(CpuDense, CutsLongMatricesWhereItMust) {
  for (const Precision precision : {Precision::F32, Precision::BF16}) {
    if (!cpu_->has(precision)) {
      continue;
    }
    const Transpose yes = Transpose::Yes;
    compare(*cpu_, *ref_, {.m = 4100, .k = 3, .n = 2, .precision = precision});
    compare(*cpu_, *ref_,
            {.m = 70,
             .k = 2,
             .n = 1030,
             .transpose_b = yes,
             .bias = true,
             .precision = precision,
             .activations = DType::BF16});
    compare(*cpu_, *ref_,
            {.m = 801, .k = 520, .n = 3, .transpose_a = yes, .beta = 1, .precision = precision});
    compare(*cpu_, *ref_,
            {.m = 5, .k = 4700, .n = 9, .transpose_a = yes, .beta = 1, .precision = precision});
    compare(*cpu_, *ref_,
            {.m = 7, .k = 2100, .n = 10, .transpose_a = yes, .alpha = 2, .precision = precision});
  }
}

TEST_P(CpuDense, FewRowsMayBeStoredAsBf16) {
  for (const std::size_t m : {std::size_t{1}, std::size_t{17}}) {
    ProductCase c = {.m = m,
                     .k = 33,
                     .n = 20,
                     .weights = DType::BF16,
                     .transpose_b = Transpose::Yes,
                     .beta = 1,
                     .activations = DType::BF16,
                     .result = DType::BF16};
    compare(*cpu_, *ref_, c);
    c.transpose_a = Transpose::Yes;
    compare(*cpu_, *ref_, c);
  }
}

TEST_P(CpuDense, SplitProductsAreWithinAHundredTimesTheErrorOfF32) {
  const auto error = [&](Precision precision, DType weights) {
    const ProductCase c = {.m = 64,
                           .k = 512,
                           .n = 256,
                           .weights = weights,
                           .transpose_b = Transpose::Yes,
                           .precision = precision};
    ProductInputs in(c);
    ops::gemm(*ref_, in.args(c, in.exact_a.ref(), in.exact.ref()));
    ops::gemm(*cpu_, in.args(c, in.a.ref(), in.out.ref()));
    return testing::largest_error(in.out.ref(), in.exact.ref());
  };
  if (!cpu_->has(Precision::BF16x2)) {
    GTEST_SKIP() << "no bf16 products here";
  }
  EXPECT_LE(error(Precision::BF16x2, DType::BF16), 100 * error(Precision::F32, DType::BF16));
  EXPECT_LE(error(Precision::BF16x3, DType::F32), 100 * error(Precision::F32, DType::F32));
}

TEST_P(CpuDense, SaysWhatItLacks) {
  if (cpu_->has(Precision::BF16)) {
    GTEST_SKIP() << "bf16 products are here";
  }
  try {
    product(*cpu_, {.m = 16, .k = 16, .n = 16, .precision = Precision::BF16});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::Unsupported);
  }
}

TEST_P(CpuDense, BitsDoNotDependOnThreads) {
  for (const std::size_t m : {std::size_t{1}, std::size_t{4}, std::size_t{16}, std::size_t{70}}) {
    for (const DType weights : {DType::F32, DType::BF16}) {
      for (const Transpose b : {Transpose::No, Transpose::Yes}) {
        for (const Precision precision : {Precision::F32, Precision::BF16x3}) {
          const ProductCase c = {.m = m,
                                 .k = 300,
                                 .n = 520,
                                 .weights = weights,
                                 .transpose_b = b,
                                 .bias = true,
                                 .precision = precision};
          if (cpu_->has(precision)) {
            expect_same_for_threads([&] { return product(*cpu_, c); }, c.name());
          }
        }
      }
    }
  }
}

TEST_P(CpuDense, BitsOfLongProductsDoNotDependOnThreads) {
  for (const Precision precision : {Precision::F32, Precision::BF16}) {
    for (const DType activations : {DType::F32, DType::BF16}) {
      ProductCase c = {.m = 2200,
                       .k = 10,
                       .n = 15,
                       .transpose_b = Transpose::Yes,
                       .beta = 1,
                       .precision = precision,
                       .activations = activations};
      if (cpu_->has(precision)) {
        expect_same_for_threads([&] { return product(*cpu_, c); }, c.name());
        c.transpose_a = Transpose::Yes;
        c.transpose_b = Transpose::No;
        c.m = 20, c.k = 4200;
        expect_same_for_threads([&] { return product(*cpu_, c); }, c.name());
      }
    }
  }
}

TEST_P(CpuDense, ARowIsTheSameInABatchOfFew) {
  const auto first_row = [&](std::size_t m) {
    const auto bytes = product(*cpu_, {.m = m, .k = 129, .n = 100, .transpose_b = Transpose::Yes});
    return std::vector<std::byte>(bytes.begin(), bytes.begin() + 400);
  };
  for (std::size_t m = 2; m <= 8; ++m) {
    EXPECT_EQ(first_row(m), first_row(1)) << m;
  }
}

TEST_P(CpuDense, ProductOfNothingIsTheBias) {
  compare(*cpu_, *ref_, {.m = 3, .k = 0, .n = 5, .bias = true, .beta = 2});
}

INSTANTIATE_TEST_SUITE_P(Isa, CpuDense, ::testing::ValuesIn(cpu_isas()),
                         [](const auto& level) { return std::string(level.param); });

}  // namespace
}  // namespace cajal
