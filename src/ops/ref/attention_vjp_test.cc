// The gradient of attention against central differences, with every option.
#include <array>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "ops/backend.h"
#include "ops/gradient_test.h"

namespace cajal {
namespace {

struct GradientCase {
  std::size_t heads = 2;
  std::size_t kv_heads = 2;
  std::size_t d_head = 7;
  std::size_t first = 0;
  std::size_t window = 0;
  double soft_cap = 0;
  bool sinks = false;
  std::vector<std::size_t> lengths = {9};
  bool hides = false;  // some keys from later queries

  std::string name() const {
    return fmt::format(
        "{} heads on {} of {}, first {}, window {}, cap {}, sinks {}, {} segments, hides {}", heads,
        kv_heads, d_head, first, window, soft_cap, sinks, lengths.size(), hides);
  }
};

class AttentionGradients : public ::testing::Test {
 protected:
  static Sample zeros(std::size_t rows, std::size_t cols) {
    return sample(rows, cols, DType::F64, std::vector<double>(rows * cols, 0.0));
  }
  std::unique_ptr<Backend> backend_ = make_reference_backend();
};

/// Everything of one call. Segments lie in reverse, with a row between them that belongs to none.
struct GradientInputs {
  explicit GradientInputs(const GradientCase& c) : sinks(normal_sample(1, c.heads, DType::F64, 9)) {
    std::size_t queries = 0;
    std::size_t keys = 0;
    for (const std::size_t length : c.lengths) {
      segments.insert(segments.begin(), {queries, keys, length});
      queries += length + 1;
      keys += c.first + length + 1;
    }
    if (c.hides) {
      hidden = hide_some_keys(segments);
    }
    const std::size_t own = c.heads * c.d_head;
    const std::size_t shared = c.kv_heads * c.d_head;
    q = normal_sample(queries, own, DType::F64, 1);
    k = normal_sample(keys, shared, DType::F64, 2);
    v = normal_sample(keys, shared, DType::F64, 3);
    dz = normal_sample(queries, own, DType::F64, 4);
    shape = {.heads = c.heads,
             .kv_heads = c.kv_heads,
             .d_head = c.d_head,
             .first = c.first,
             .window = c.window,
             .scale = 0.6,
             .soft_cap = c.soft_cap,
             .sinks = c.sinks ? sinks.ref() : ConstMatRef{}};
  }
  Sample sinks;
  std::vector<AttentionSegment> segments;
  std::vector<std::vector<std::int32_t>> hidden;  // segments point into it
  Sample q{0, 0, DType::F64}, k{0, 0, DType::F64}, v{0, 0, DType::F64}, dz{0, 0, DType::F64};
  AttentionShape shape;
};

TEST_F(AttentionGradients, MatchDifferences) {
  const GradientCase cases[] = {
      {},
      {.d_head = 1, .lengths = {1}},
      {.heads = 6, .kv_heads = 2, .d_head = 3, .lengths = {8}},
      {.first = 5, .lengths = {3}},
      {.window = 3, .lengths = {17}},
      {.first = 4, .window = 4, .lengths = {7}},
      {.soft_cap = 1.5},
      {.sinks = true},
      {.lengths = {1, 7, 15}},
      {.lengths = {12, 1, 5}, .hides = true},
      {.window = 4, .soft_cap = 1.5, .sinks = true, .lengths = {9}, .hides = true},
      {.heads = 4,
       .kv_heads = 2,
       .d_head = 5,
       .first = 2,
       .window = 5,
       .soft_cap = 2,
       .sinks = true,
       .lengths = {9, 2, 8}}};
  for (const GradientCase& c : cases) {
    GradientInputs in(c);
    Sample z = zeros(in.q.rows(), in.q.cols());
    Sample dq = zeros(in.q.rows(), in.q.cols());
    Sample dk = zeros(in.k.rows(), in.k.cols());
    Sample dv = zeros(in.k.rows(), in.k.cols());
    Sample dsinks = zeros(1, c.heads);
    const auto loss = [&] {
      ops::attend_segments(*backend_, in.shape, in.segments, in.q.ref(), in.k.ref(), in.v.ref(),
                           z.ref());
      return dot(in.dz.ref(), z.ref());
    };
    ops::attend_vjp(*backend_, in.shape, in.segments,
                    {.q = in.q.ref(),
                     .k = in.k.ref(),
                     .v = in.v.ref(),
                     .dz = in.dz.ref(),
                     .dq = dq.ref(),
                     .dk = dk.ref(),
                     .dv = dv.ref(),
                     .dsinks = c.sinks ? dsinks.ref() : MatRef{}});
    expect_gradient(in.q.ref(), loss, dq.ref(), c.name() + ": dq");
    expect_gradient(in.k.ref(), loss, dk.ref(), c.name() + ": dk");
    expect_gradient(in.v.ref(), loss, dv.ref(), c.name() + ": dv");
    if (c.sinks) {
      expect_gradient(in.sinks.ref(), loss, dsinks.ref(), c.name() + ": dsinks");
    }
  }
}

TEST_F(AttentionGradients, SegmentsAreAttendedOneByOne) {
  const GradientInputs in({.heads = 4, .kv_heads = 2, .first = 1, .lengths = {3, 5}});
  Sample z = zeros(in.q.rows(), in.q.cols());
  ops::attend_segments(*backend_, in.shape, in.segments, in.q.ref(), in.k.ref(), in.v.ref(),
                       z.ref());
  for (const AttentionSegment& at : in.segments) {
    Sample alone = zeros(at.queries, in.q.cols());
    ops::attend(*backend_, in.shape, in.q.ref().row_range(at.query_row, at.queries),
                in.k.ref().row_range(at.key_row, at.queries + 1),
                in.v.ref().row_range(at.key_row, at.queries + 1), alone.ref());
    EXPECT_EQ(elements(z.ref().row_range(at.query_row, at.queries)), elements(alone.ref()));
  }
}

TEST_F(AttentionGradients, HiddenKeysAreAsIfTheyWereNotThere) {
  const std::vector<std::int32_t> until = {9, 2, 9};  // key 1 is hidden from query 2
  GradientInputs in({.heads = 1, .kv_heads = 1, .lengths = {3}});
  in.segments[0].seen_until = until;
  Sample z = zeros(in.q.rows(), in.q.cols());
  const auto last = [&] {
    ops::attend_segments(*backend_, in.shape, in.segments, in.q.ref(), in.k.ref(), in.v.ref(),
                         z.ref());
    return elements(z.ref().row_range(2, 1));
  };
  const auto before = last();
  const auto middle = elements(z.ref().row_range(1, 1));
  for (const MatRef m : {in.k.ref(), in.v.ref()}) {
    std::ranges::fill(m.as<double>().row(1), 7.0);
  }
  EXPECT_EQ(last(), before);
  EXPECT_NE(elements(z.ref().row_range(1, 1)), middle);
}

TEST_F(AttentionGradients, RefuseToHideAKeyFromItself) {
  GradientInputs in({.lengths = {3}});
  Sample z = zeros(in.q.rows(), in.q.cols());
  for (const std::vector<std::int32_t>& until :
       {std::vector<std::int32_t>{3, 1, 3}, std::vector<std::int32_t>{3, 3}}) {
    in.segments[0].seen_until = until;
    EXPECT_THROW(ops::attend_segments(*backend_, in.shape, in.segments, in.q.ref(), in.k.ref(),
                                      in.v.ref(), z.ref()),
                 Error);
  }
}

TEST_F(AttentionGradients, OfAFrozenPatternAreThoseOfTheValuesAlone) {
  const GradientInputs in({.heads = 4, .kv_heads = 2, .first = 2, .soft_cap = 3, .sinks = true});
  const auto gradient = [&](AttendVjpArgs args) {
    Sample dv = zeros(in.k.rows(), in.k.cols());
    args.dv = dv.ref();
    ops::attend_vjp(*backend_, in.shape, in.segments, args);
    return elements(dv.ref());
  };
  Sample dq = zeros(in.q.rows(), in.q.cols());
  Sample dk = zeros(in.k.rows(), in.k.cols());
  EXPECT_EQ(gradient({.q = in.q.ref(), .k = in.k.ref(), .dz = in.dz.ref()}),
            gradient({.q = in.q.ref(),
                      .k = in.k.ref(),
                      .v = in.v.ref(),
                      .dz = in.dz.ref(),
                      .dq = dq.ref(),
                      .dk = dk.ref()}));
}

TEST_F(AttentionGradients, OneFrozenPatternServesManySeeds) {
  AttentionShape shape = {.heads = 4, .kv_heads = 2, .d_head = 3, .first = 2, .window = 4};
  constexpr std::size_t kQueries = 7;
  constexpr std::size_t kKeys = 9;
  constexpr std::size_t kSeeds = 3;
  const Sample scores = normal_sample(4 * kQueries, kKeys, DType::F64, 1);
  Sample pattern = zeros(4 * kQueries, kKeys);
  ops::attention_probabilities(*backend_, shape, scores.ref(), pattern.ref());
  Sample v = normal_sample(kSeeds * kKeys, 6, DType::F64, 2);
  const Sample dz = normal_sample(kSeeds * kQueries, 12, DType::F64, 3);
  Sample z = zeros(kSeeds * kQueries, 12);
  Sample dv = zeros(kSeeds * kKeys, 6);
  const std::array<ConstMatRef, 1> blocks = {pattern.ref()};
  ops::attention_mix_vjp(*backend_, shape,
                         {.blocks = blocks, .queries = kQueries, .dz = dz.ref(), .dv = dv.ref()});
  const auto loss = [&] {
    for (std::size_t seed = 0; seed < kSeeds; ++seed) {
      ops::attention_mix(*backend_, shape, pattern.ref(), v.ref().row_range(seed * kKeys, kKeys),
                         z.ref().row_range(seed * kQueries, kQueries));
    }
    return dot(dz.ref(), z.ref());
  };
  expect_gradient(v.ref(), loss, dv.ref(), "frozen pattern");
}

}  // namespace
}  // namespace cajal
