// The reference backend against numbers worked out by hand or by other formulas.
#include "ops/ref/reference.h"

#include <cmath>
#include <numbers>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ops/sample_test.h"

namespace cajal {
namespace {

using ::testing::ElementsAre;
using ::testing::Pointwise;

MATCHER(NearlyEqual, "") {
  return std::abs(std::get<0>(arg) - std::get<1>(arg)) <= 1e-14 * (1 + std::abs(std::get<1>(arg)));
}

class Reference : public ::testing::Test {
 protected:
  Sample f64(std::size_t rows, std::size_t cols, const std::vector<double>& values) {
    return sample(rows, cols, DType::F64, values);
  }
  Sample empty(std::size_t rows, std::size_t cols) { return {rows, cols, DType::F64}; }
  std::unique_ptr<Backend> backend_ = make_reference_backend();
};

TEST_F(Reference, GemmMultiplies) {
  const Sample a = f64(2, 3, {1, 2, 3, 4, 5, 6});
  const Sample b = f64(3, 2, {1, 0, 0, 1, 2, 2});
  Sample out = empty(2, 2);
  ops::gemm(*backend_, {.a = a.ref(), .b = b.ref(), .out = out.ref()});
  EXPECT_THAT(elements(out.ref()), ElementsAre(7, 8, 16, 17));
}

TEST_F(Reference, GemmTransposesScalesAndAddsTo) {
  const Sample a = f64(3, 2, {1, 4, 2, 5, 3, 6});  // transposed
  const Sample b = sample(2, 3, DType::BF16, {1, 0, 2, 0, 1, 2});
  const Sample bias = sample(1, 2, DType::F16, {0.5, -0.5});
  Sample out = f64(2, 2, {10, 20, 30, 40});
  ops::gemm(*backend_, {.a = a.ref(),
                        .b = b.ref(),
                        .bias = bias.ref(),
                        .out = out.ref(),
                        .transpose_a = Transpose::Yes,
                        .transpose_b = Transpose::Yes,
                        .alpha = 2,
                        .beta = 0.5});
  EXPECT_THAT(elements(out.ref()), ElementsAre(19.5, 25.5, 47.5, 53.5));
}

TEST_F(Reference, ProductOfNothingIsTheBias) {
  const Sample a = empty(1, 0);
  const Sample b = empty(0, 2);
  const Sample bias = f64(1, 2, {3, 4});
  Sample out = empty(1, 2);
  ops::gemm(*backend_, {.a = a.ref(), .b = b.ref(), .bias = bias.ref(), .out = out.ref()});
  EXPECT_THAT(elements(out.ref()), ElementsAre(3, 4));
}

TEST_F(Reference, LayerNormCentresAndScales) {
  const Sample in = f64(1, 4, {1, 2, 3, 6});  // mean 3, variance 3.5
  const Sample gain = sample(1, 4, DType::F32, {1, 2, 1, 1});
  const Sample bias = f64(1, 4, {0, 0, 1, 0});
  Sample out = empty(1, 4);
  Sample normalized = empty(1, 4);
  ops::normalize(*backend_, {.in = in.ref(),
                             .gain = gain.ref(),
                             .bias = bias.ref(),
                             .out = out.ref(),
                             .normalized = normalized.ref(),
                             .kind = NormKind::Layer,
                             .epsilon = 0.5});
  EXPECT_THAT(elements(out.ref()), Pointwise(NearlyEqual(), {-1.0, -1.0, 1.0, 1.5}));
  EXPECT_THAT(elements(normalized.ref()), Pointwise(NearlyEqual(), {-1.0, -0.5, 0.0, 1.5}));
}

TEST_F(Reference, RmsNormUsesGainsPerHeadAndTheirOffset) {
  Sample x = f64(3, 2, {1, 7, 2, 14, 3, 21});  // rms 5, 10, 15
  const Sample gain = f64(2, 2, {0, 0, 1, 1});
  ops::normalize(
      *backend_,
      {.in = x.ref(), .gain = gain.ref(), .out = x.ref(), .epsilon = 0, .gain_offset = 1});
  EXPECT_THAT(elements(x.ref()), Pointwise(NearlyEqual(), {0.2, 1.4, 0.4, 2.8, 0.2, 1.4}));
}

TEST_F(Reference, ActivationsAreTheirFormulas) {
  const Sample in = f64(1, 3, {-1.5, 0, 2});
  Sample out = empty(1, 3);
  const auto apply = [&](Activation kind) {
    ops::activate(*backend_, kind, in.ref(), out.ref());
    return elements(out.ref());
  };
  const auto expect = [](auto f) { return std::vector<double>{f(-1.5), f(0.0), f(2.0)}; };
  EXPECT_THAT(apply(Activation::GeluErf), Pointwise(NearlyEqual(), expect([](double x) {
                                                      return x * 0.5 *
                                                             (1 + std::erf(x / std::sqrt(2.0)));
                                                    })));
  EXPECT_THAT(apply(Activation::GeluTanh),
              Pointwise(NearlyEqual(), expect([](double x) {
                          return 0.5 * x *
                                 (1 + std::tanh(std::sqrt(2 / std::numbers::pi) *
                                                (x + 0.044715 * std::pow(x, 3))));
                        })));
  EXPECT_THAT(apply(Activation::Silu),
              Pointwise(NearlyEqual(), expect([](double x) { return x / (1 + std::exp(-x)); })));
  EXPECT_THAT(apply(Activation::Relu), ElementsAre(0, 0, 2));
  EXPECT_THAT(apply(Activation::ReluSquared), ElementsAre(0, 0, 4));
}

TEST_F(Reference, GatesMultiply) {
  const Sample gate = f64(1, 3, {-1, 1, 3});
  const Sample up = f64(1, 3, {5, 5, -0.5});
  Sample out = empty(1, 3);
  ops::activate_gated(*backend_, Activation::Relu, gate.ref(), up.ref(), out.ref());
  EXPECT_THAT(elements(out.ref()), ElementsAre(0, 5, -1.5));
}

TEST_F(Reference, ClampedGluClampsBothSides) {
  const Sample gate = f64(1, 2, {9, -2});
  const Sample up = f64(1, 2, {-9, 1});
  Sample out = empty(1, 2);
  ops::clamped_glu(*backend_, gate.ref(), up.ref(), 1.5, 3, out.ref());
  EXPECT_THAT(elements(out.ref()), Pointwise(NearlyEqual(), {-2 * 3 / (1 + std::exp(-4.5)),
                                                             2 * -2 / (1 + std::exp(3.0))}));
}

TEST_F(Reference, RotatesHalvesOrNeighboursAndLeavesTheRest) {
  const Sample cos = f64(1, 2, {0, 0.6});
  const Sample sin = f64(1, 2, {1, 0.8});
  Sample halves = f64(1, 5, {1, 2, 3, 4, 5});
  ops::rotate(*backend_, {.x = halves.ref(), .cos = cos.ref(), .sin = sin.ref(), .d_head = 5});
  EXPECT_THAT(elements(halves.ref()), Pointwise(NearlyEqual(), {-3.0, -2.0, 1.0, 4.0, 5.0}));
  Sample pairs = f64(1, 5, {1, 2, 3, 4, 5});
  ops::rotate(
      *backend_,
      {.x = pairs.ref(), .cos = cos.ref(), .sin = sin.ref(), .d_head = 5, .neighbours = true});
  EXPECT_THAT(elements(pairs.ref()), Pointwise(NearlyEqual(), {-2.0, 1.0, -1.4, 4.8, 5.0}));
}

TEST_F(Reference, SumsCapsAndClamps) {
  const Sample a = f64(1, 2, {1, -8});
  const Sample b = f64(1, 2, {10, 1});
  Sample out = empty(1, 2);
  ops::add_scaled(*backend_, a.ref(), b.ref(), 0.5, out.ref());
  EXPECT_THAT(elements(out.ref()), ElementsAre(6, -7.5));
  ops::scale(*backend_, a.ref(), -2, out.ref());
  EXPECT_THAT(elements(out.ref()), ElementsAre(-2, 16));
  ops::clamp(*backend_, a.ref(), 3, out.ref());
  EXPECT_THAT(elements(out.ref()), ElementsAre(1, -3));
  ops::soft_cap(*backend_, a.ref(), 2, out.ref());
  EXPECT_THAT(elements(out.ref()),
              Pointwise(NearlyEqual(), {2 * std::tanh(0.5), 2 * std::tanh(-4.0)}));
}

TEST_F(Reference, GatherWidensAndScatterAddsInOrder) {
  const Sample table = sample(3, 2, DType::F16, {1, 2, 3, 4, 5, 6});
  Sample out = empty(3, 2);
  const std::vector<std::int32_t> rows = {2, 0, 2};
  ops::gather(*backend_, table.ref(), rows, 2, out.ref());
  EXPECT_THAT(elements(out.ref()), ElementsAre(10, 12, 2, 4, 10, 12));
  Sample sums = f64(3, 2, {0, 0, 100, 100, 0, 0});
  ops::scatter_add(*backend_, out.ref(), rows, std::vector<double>{1, 10, 0.5}, sums.ref());
  EXPECT_THAT(elements(sums.ref()), ElementsAre(20, 40, 100, 100, 15, 18));
}

TEST_F(Reference, AttentionSeesItselfAndTheWindowBefore) {
  // One head of one column; v = 1, 10, 100 and equal scores: means of what is seen.
  const Sample q = f64(2, 1, {0, 0});
  const Sample k = f64(3, 1, {1, 2, 3});
  const Sample v = f64(3, 1, {1, 10, 100});
  Sample z = empty(2, 1);
  AttentionShape shape = {.heads = 1, .kv_heads = 1, .d_head = 1, .first = 1};
  ops::attend(*backend_, shape, q.ref(), k.ref(), v.ref(), z.ref());
  EXPECT_THAT(elements(z.ref()), Pointwise(NearlyEqual(), {5.5, 37.0}));
  shape.window = 2;
  ops::attend(*backend_, shape, q.ref(), k.ref(), v.ref(), z.ref());
  EXPECT_THAT(elements(z.ref()), Pointwise(NearlyEqual(), {5.5, 55.0}));
}

TEST_F(Reference, AttentionScalesCapsAndSharesKeyHeads) {
  const Sample q = f64(1, 2, {2, -3});  // two heads of one column, one key head
  const Sample k = f64(2, 1, {1, 4});
  Sample scores = empty(2, 2);
  AttentionShape shape = {
      .heads = 2, .kv_heads = 1, .d_head = 1, .first = 1, .scale = 0.5, .soft_cap = 3};
  ops::attention_scores(*backend_, shape, q.ref(), k.ref(), scores.ref());
  EXPECT_THAT(elements(scores.ref()),
              Pointwise(NearlyEqual(), {3 * std::tanh(1 / 3.0), 3 * std::tanh(4 / 3.0),
                                        3 * std::tanh(-1.5 / 3), 3 * std::tanh(-6 / 3.0)}));
}

TEST_F(Reference, SinksTakeProbability) {
  const Sample scores = f64(2, 2, {0, 0, std::log(3.0), 0});
  const Sample sinks = sample(1, 2, DType::F32, {0, 0});
  Sample out = empty(2, 2);
  AttentionShape shape = {.heads = 2, .kv_heads = 2, .d_head = 1, .first = 1, .sinks = sinks.ref()};
  ops::attention_probabilities(*backend_, shape, scores.ref(), out.ref());
  EXPECT_THAT(elements(out.ref()), Pointwise(NearlyEqual(), {1 / 3.0, 1 / 3.0, 0.6, 0.2}));
}

TEST_F(Reference, MaskedEntriesAreZero) {
  const Sample q = f64(3, 1, {1, 1, 1});
  Sample scores = empty(3, 3);
  const AttentionShape shape = {.heads = 1, .kv_heads = 1, .d_head = 1, .window = 2};
  ops::attention_scores(*backend_, shape, q.ref(), q.ref(), scores.ref());
  EXPECT_THAT(elements(scores.ref()), ElementsAre(1, 0, 0, 1, 1, 0, 0, 1, 1));
  Sample p = empty(3, 3);
  ops::attention_probabilities(*backend_, shape, scores.ref(), p.ref());
  EXPECT_THAT(elements(p.ref()), ElementsAre(1, 0, 0, 0.5, 0.5, 0, 0, 0.5, 0.5));
}

}  // namespace
}  // namespace cajal
