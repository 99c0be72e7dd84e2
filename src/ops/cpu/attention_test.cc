#include <cmath>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "ops/cpu/cpu_test.h"
#include "ops/cpu/isa.h"

namespace cajal {
namespace {

struct AttentionCase {
  std::size_t heads = 1, kv_heads = 1, d_head = 8;
  std::size_t queries = 1, first = 0, window = 0;
  double soft_cap = 0.0;
  bool sinks = false;

  std::string name() const {
    return fmt::format(
        "{} heads of {} ({} of keys), {} queries after {}, window {}, cap {}, sinks {}", heads,
        d_head, kv_heads, queries, first, window, soft_cap, sinks);
  }
};

const std::vector<AttentionCase>& attention_cases() {
  static const std::vector<AttentionCase> attention_cases = [] {
    std::vector<AttentionCase> all;
    for (const std::size_t size : {1U, 2U, 7U, 8U, 9U, 15U, 16U, 17U, 31U, 33U, 64U, 65U}) {
      all.push_back({.heads = 2, .kv_heads = 1, .d_head = size, .queries = 9, .first = 3});
      all.push_back({.heads = 4, .kv_heads = 2, .d_head = 12, .queries = size, .sinks = true});
      all.push_back(
          {.heads = 3, .kv_heads = 3, .d_head = 16, .queries = size, .first = 60, .window = 5});
      all.push_back({.heads = 1,
                     .kv_heads = 1,
                     .d_head = 20,
                     .queries = 33,
                     .first = 2,
                     .window = size,
                     .soft_cap = 2.5,
                     .sinks = true});
    }
    all.push_back({.heads = 12, .kv_heads = 12, .d_head = 64, .queries = 150});
    all.push_back({.heads = 16, .kv_heads = 1, .d_head = 8, .queries = 3, .first = 300});
    all.push_back({.heads = 8, .kv_heads = 2, .d_head = 64, .queries = 1, .first = 500});
    all.push_back({.heads = 2,
                   .kv_heads = 2,
                   .d_head = 256,
                   .queries = 70,
                   .first = 65,
                   .window = 64,
                   .soft_cap = 50});
    all.push_back({.heads = 1, .kv_heads = 1, .d_head = 4, .queries = 1, .first = 40, .window = 1});
    return all;
  }();
  return attention_cases;
}

struct AttentionInputs {
  explicit AttentionInputs(const AttentionCase& c, DType dtype)
      : q(normal_sample(c.queries, c.heads * c.d_head, DType::F32, 21)),
        k(normal_sample(c.first + c.queries, c.kv_heads * c.d_head, DType::F32, 22)),
        v(normal_sample(c.first + c.queries, c.kv_heads * c.d_head, DType::F32, 23)),
        sinks(normal_sample(1, c.heads, DType::BF16, 24)) {
    if (dtype == DType::F64) {
      q = copy_as(q.ref(), dtype);
      k = copy_as(k.ref(), dtype);
      v = copy_as(v.ref(), dtype);
    }
    shape = {.heads = c.heads,
             .kv_heads = c.kv_heads,
             .d_head = c.d_head,
             .first = c.first,
             .window = c.window,
             .scale = 1 / std::sqrt(static_cast<double>(c.d_head)),
             .soft_cap = c.soft_cap};
    if (c.sinks) {
      shape.sinks = sinks.ref();
    }
  }
  Sample q, k, v, sinks;
  AttentionShape shape;
};

struct Steps {
  Steps(Backend& backend, const AttentionCase& c, const AttentionInputs& in)
      : scores(c.heads * c.queries, c.first + c.queries, backend.activation_dtype()),
        probabilities(c.heads * c.queries, c.first + c.queries, backend.activation_dtype()),
        z(c.queries, c.heads * c.d_head, backend.activation_dtype()) {
    ops::attention_scores(backend, in.shape, in.q.ref(), in.k.ref(), scores.ref());
    ops::attention_probabilities(backend, in.shape, scores.ref(), probabilities.ref());
    ops::attention_mix(backend, in.shape, probabilities.ref(), in.v.ref(), z.ref());
  }
  Sample scores, probabilities, z;
};

using CpuAttention = CpuTest;

TEST_P(CpuAttention, StepsEqualTheReference) {
  for (const AttentionCase& c : attention_cases()) {
    const AttentionInputs in(c, DType::F32);
    const AttentionInputs exact_in(c, DType::F64);
    const Steps got(*cpu_, c, in);
    const Steps want(*ref_, c, exact_in);
    // |q| |k| / sqrt(d) is below 5 sqrt(d) here; errors of scores are those of probabilities,
    // relatively; z sums |v| < 5 with probabilities that sum to 1.
    const auto d = static_cast<double>(c.d_head);
    const double score_error = (d + 8) * 5 * std::sqrt(d) * kEpsilon;
    const double keys = static_cast<double>(c.first + c.queries);
    expect_close(got.scores.ref(), want.scores.ref(), 8 * kEpsilon, score_error, c.name());
    const double relative = 2 * score_error + (keys + 10) * kEpsilon;
    expect_close(got.probabilities.ref(), want.probabilities.ref(), relative, 0x1p-126, c.name());
    expect_close(got.z.ref(), want.z.ref(), 0, 5 * (relative + keys * kEpsilon), c.name());
  }
}

TEST_P(CpuAttention, AttendGivesTheBitsOfItsSteps) {
  for (const AttentionCase& c : attention_cases()) {
    const AttentionInputs in(c, DType::F32);
    const Steps steps(*cpu_, c, in);
    Sample z(c.queries, c.heads * c.d_head, DType::F32);
    ops::attend(*cpu_, in.shape, in.q.ref(), in.k.ref(), in.v.ref(), z.ref());
    EXPECT_EQ(bytes_of(z.ref()) == bytes_of(steps.z.ref()), true) << c.name();
  }
}

TEST_P(CpuAttention, ProbabilitiesInPlaceAreTheSame) {
  const AttentionCase c = {
      .heads = 2, .kv_heads = 1, .d_head = 8, .queries = 20, .first = 5, .window = 9};
  const AttentionInputs in(c, DType::F32);
  Steps steps(*cpu_, c, in);
  ops::attention_probabilities(*cpu_, in.shape, steps.scores.ref(), steps.scores.ref());
  EXPECT_EQ(bytes_of(steps.scores.ref()), bytes_of(steps.probabilities.ref()));
}

TEST_P(CpuAttention, ChunksGiveTheBitsOfTheWhole) {
  const AttentionCase whole = {
      .heads = 4, .kv_heads = 2, .d_head = 24, .queries = 90, .window = 50};
  const AttentionInputs in(whole, DType::F32);
  Sample z(90, 96, DType::F32);
  ops::attend(*cpu_, in.shape, in.q.ref(), in.k.ref(), in.v.ref(), z.ref());
  Sample parts(90, 96, DType::F32);
  for (std::size_t begin = 0, size = 1; begin < 90; begin += size, size += 3) {
    const std::size_t count = std::min(size, 90 - begin);
    AttentionShape shape = in.shape;
    shape.first = begin;
    ops::attend(*cpu_, shape, in.q.ref().row_range(begin, count),
                in.k.ref().row_range(0, begin + count), in.v.ref().row_range(0, begin + count),
                parts.ref().row_range(begin, count));
  }
  EXPECT_EQ(bytes_of(parts.ref()) == bytes_of(z.ref()), true);
}

TEST_P(CpuAttention, WhatIsMaskedIsNotRead) {
  const AttentionCase c = {.heads = 2, .kv_heads = 1, .d_head = 16, .queries = 40, .window = 7};
  AttentionInputs in(c, DType::F32);
  Sample before(40, 32, DType::F32);
  ops::attend(*cpu_, in.shape, in.q.ref(), in.k.ref(), in.v.ref(), before.ref());
  for (std::size_t col = 0; col < 16; ++col) {  // row 20: seen by queries 20 to 26
    in.k.ref().as<float>().at(20, col) = std::numeric_limits<float>::quiet_NaN();
    in.v.ref().as<float>().at(20, col) = std::numeric_limits<float>::quiet_NaN();
  }
  Sample after(40, 32, DType::F32);
  ops::attend(*cpu_, in.shape, in.q.ref(), in.k.ref(), in.v.ref(), after.ref());
  for (std::size_t i = 0; i < 40; ++i) {
    const bool sees = i >= 20 && i < 27;
    EXPECT_EQ(std::isnan(after.at(i, 0)), sees) << i;
    if (!sees) {
      EXPECT_EQ(after.at(i, 31), before.at(i, 31)) << i;
    }
  }
}

TEST_P(CpuAttention, BitsDoNotDependOnThreads) {
  for (const AttentionCase& c :
       {AttentionCase{.heads = 12, .kv_heads = 4, .d_head = 32, .queries = 130},
        AttentionCase{.heads = 4, .kv_heads = 1, .d_head = 32, .first = 200}}) {
    const AttentionInputs in(c, DType::F32);
    Sample z(c.queries, c.heads * c.d_head, DType::F32);
    expect_same_for_threads(
        [&] {
          ops::attend(*cpu_, in.shape, in.q.ref(), in.k.ref(), in.v.ref(), z.ref());
          return bytes_of(z.ref());
        },
        c.name());
  }
}

TEST_P(CpuAttention, LargeScoresDoNotOverflow) {
  const AttentionCase c = {.heads = 1, .kv_heads = 1, .d_head = 8, .queries = 20};
  AttentionInputs in(c, DType::F32);
  AttentionInputs exact_in(c, DType::F64);
  in.shape.scale = exact_in.shape.scale = 1e6;
  const Steps got(*cpu_, c, in);
  for (const double p : elements(got.probabilities.ref())) {
    EXPECT_TRUE(p >= 0 && p <= 1) << p;
  }
}

INSTANTIATE_TEST_SUITE_P(Isa, CpuAttention, ::testing::ValuesIn(cpu_isas()),
                         [](const auto& level) { return std::string(level.param); });

}  // namespace
}  // namespace cajal
