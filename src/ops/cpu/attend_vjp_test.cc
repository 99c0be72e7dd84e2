#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "ops/cpu/cpu_test.h"
#include "ops/cpu/isa.h"

namespace cajal {
namespace {

struct AdjointCase {
  std::size_t heads = 2, kv_heads = 1, d_head = 8;
  std::vector<std::size_t> lengths = {9};
  std::size_t first = 0, window = 0;
  double soft_cap = 0.0;
  bool sinks = false;
  bool hides = false;  // some keys from later queries

  std::string name() const {
    return fmt::format(
        "{} heads of {} ({} of keys), {} segments, first of {} after {}, window {}, cap {}, "
        "sinks {}, hides {}",
        heads, d_head, kv_heads, lengths.size(), lengths[0], first, window, soft_cap, sinks, hides);
  }
};

std::vector<AdjointCase> adjoint_cases() {
  std::vector<AdjointCase> all;
  for (const std::size_t size : {1U, 7U, 8U, 9U, 15U, 16U, 17U, 31U, 33U, 64U, 65U}) {
    all.push_back({.d_head = size, .lengths = {9, 3}, .first = 3});
    all.push_back({.heads = 4, .kv_heads = 2, .d_head = 12, .lengths = {size, 5}, .sinks = true});
    all.push_back(
        {.heads = 3, .kv_heads = 3, .d_head = 16, .lengths = {size}, .first = 60, .window = 5});
    all.push_back({.heads = 1,
                   .kv_heads = 1,
                   .d_head = 20,
                   .lengths = {33, 2},
                   .first = 2,
                   .window = size,
                   .soft_cap = 2.5,
                   .sinks = true});
  }
  all.push_back({.heads = 6, .kv_heads = 6, .d_head = 32, .lengths = {20, 64, 1, 111}});
  all.push_back({.heads = 2, .kv_heads = 2, .d_head = 4, .lengths = {500}});  // several blocks
  all.push_back({.heads = 2, .kv_heads = 1, .d_head = 4, .lengths = {400}, .window = 70});
  return all;
}

/// Only attend_segments() and attend_vjp() hide keys.
std::vector<AdjointCase> cases_with_hidden_keys() {
  std::vector<AdjointCase> all = adjoint_cases();
  for (const std::size_t length : {1U, 7U, 8U, 9U, 33U, 100U}) {
    all.push_back({.heads = 4, .kv_heads = 2, .d_head = 12, .lengths = {length, 5}, .hides = true});
    all.push_back({.d_head = 20,
                   .lengths = {length},
                   .window = 6,
                   .soft_cap = 2.5,
                   .sinks = true,
                   .hides = true});
  }
  all.push_back({.heads = 2, .kv_heads = 2, .d_head = 4, .lengths = {500}, .hides = true});
  return all;
}

/// Everything of one call; segments lie in reverse, with a row between them that belongs to none.
struct AdjointInputs {
  AdjointInputs(const AdjointCase& c, DType dtype)
      : sinks(normal_sample(1, c.heads, DType::BF16, 24)), shape(shape_of(c)) {
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
    const auto normal = [&](std::size_t rows, std::size_t heads, std::uint64_t stream) {
      return copy_as(normal_sample(rows, heads * c.d_head, DType::F32, stream).ref(), dtype);
    };
    q = normal(queries, c.heads, 21);
    k = normal(keys, c.kv_heads, 22);
    v = normal(keys, c.kv_heads, 23);
    dz = normal(queries, c.heads, 25);
    shape.sinks = c.sinks ? sinks.ref() : ConstMatRef{};
  }
  static AttentionShape shape_of(const AdjointCase& c) {
    return {.heads = c.heads,
            .kv_heads = c.kv_heads,
            .d_head = c.d_head,
            .first = c.first,
            .window = c.window,
            .scale = 1 / std::sqrt(static_cast<double>(c.d_head)),
            .soft_cap = c.soft_cap};
  }
  Sample q{0, 0, DType::F32}, k{0, 0, DType::F32}, v{0, 0, DType::F32}, dz{0, 0, DType::F32};
  Sample sinks;
  std::vector<AttentionSegment> segments;
  std::vector<std::vector<std::int32_t>> hidden;  // segments point into it
  AttentionShape shape;
};

Sample zeros(std::size_t rows, std::size_t cols, DType dtype) {
  return sample(rows, cols, dtype, std::vector<double>(rows * cols, 0.0));
}

struct Gradients {
  Gradients(Backend& backend, const AdjointCase& c, const AdjointInputs& in)
      : dq(zeros(in.q.rows(), in.q.cols(), backend.activation_dtype())),
        dk(zeros(in.k.rows(), in.k.cols(), backend.activation_dtype())),
        dv(zeros(in.k.rows(), in.k.cols(), backend.activation_dtype())),
        dsinks(zeros(1, c.heads, backend.activation_dtype())) {
    ops::attend_vjp(backend, in.shape, in.segments,
                    {.q = in.q.ref(),
                     .k = in.k.ref(),
                     .v = in.v.ref(),
                     .dz = in.dz.ref(),
                     .dq = dq.ref(),
                     .dk = dk.ref(),
                     .dv = dv.ref(),
                     .dsinks = c.sinks ? dsinks.ref() : MatRef{}});
  }
  std::vector<std::byte> bytes() const {
    std::vector<std::byte> all;
    for (const Sample* m : {&dq, &dk, &dv, &dsinks}) {
      const auto some = bytes_of(m->ref());
      all.insert(all.end(), some.begin(), some.end());
    }
    return all;
  }
  Sample dq, dk, dv, dsinks;
};

/// Of a row of the pattern, in all. As in the tests of attention: |q| |k| / sqrt(d) < 5 sqrt(d).
double pattern_error(const AdjointCase& c) {
  const auto d = static_cast<double>(c.d_head);
  const auto keys = static_cast<double>(*std::ranges::max_element(c.lengths) + c.first);
  return 2 * (d + 8) * 5 * std::sqrt(d) * kEpsilon + (keys + 10) * kEpsilon;
}

using CpuSegments = CpuTest;

TEST_P(CpuSegments, GiveTheBitsOfAttentionOneByOne) {
  for (const AdjointCase& c : adjoint_cases()) {
    const AdjointInputs in(c, DType::F32);
    Sample z = zeros(in.q.rows(), in.q.cols(), DType::F32);
    Sample rounded(in.q.rows(), in.q.cols(), DType::BF16);
    ops::attend_segments(*cpu_, in.shape, in.segments, in.q.ref(), in.k.ref(), in.v.ref(), z.ref());
    ops::attend_segments(*cpu_, in.shape, in.segments, in.q.ref(), in.k.ref(), in.v.ref(),
                         rounded.ref());
    for (const AttentionSegment& at : in.segments) {
      const std::size_t keys = c.first + at.queries;
      Sample alone(at.queries, in.q.cols(), DType::F32);
      ops::attend(*cpu_, in.shape, in.q.ref().row_range(at.query_row, at.queries),
                  in.k.ref().row_range(at.key_row, keys), in.v.ref().row_range(at.key_row, keys),
                  alone.ref());
      EXPECT_EQ(bytes_of(z.ref().row_range(at.query_row, at.queries)), bytes_of(alone.ref()))
          << c.name();
      EXPECT_EQ(bytes_of(rounded.ref().row_range(at.query_row, at.queries)),
                bytes_of(copy_as(alone.ref(), DType::BF16).ref()))
          << c.name();
    }
  }
}

TEST_P(CpuSegments, HiddenKeysGiveWhatTheReferenceDoes) {
  for (const AdjointCase& c : cases_with_hidden_keys()) {
    const AdjointInputs in(c, DType::F32);
    const AdjointInputs exact(c, DType::F64);
    Sample z = zeros(in.q.rows(), in.q.cols(), DType::F32);
    Sample want = zeros(in.q.rows(), in.q.cols(), DType::F64);
    ops::attend_segments(*cpu_, in.shape, in.segments, in.q.ref(), in.k.ref(), in.v.ref(), z.ref());
    ops::attend_segments(*ref_, exact.shape, exact.segments, exact.q.ref(), exact.k.ref(),
                         exact.v.ref(), want.ref());
    expect_close(z.ref(), want.ref(), 0, 5 * pattern_error(c), c.name());
  }
}

TEST_P(CpuSegments, GradientsEqualTheReference) {
  for (const AdjointCase& c : cases_with_hidden_keys()) {
    const AdjointInputs in(c, DType::F32);
    const AdjointInputs exact(c, DType::F64);
    const Gradients got(*cpu_, c, in);
    const Gradients want(*ref_, c, exact);
    // dp = dz . v < 25 d / 2; a query gives p (dp - sum p dp) with probabilities that sum to 1, a
    // key gets them from all queries.
    const auto d = static_cast<double>(c.d_head);
    const auto longest = static_cast<double>(*std::ranges::max_element(c.lengths));
    const double keys = longest + static_cast<double>(c.first);
    const double pattern = pattern_error(c);
    const double score = (2 * pattern + (d + keys + 20) * kEpsilon) * 25 * std::sqrt(d);
    const double queries = longest * static_cast<double>(c.heads / c.kv_heads);
    expect_close(got.dv.ref(), want.dv.ref(), 0, 5 * queries * pattern, c.name() + ", dv");
    expect_close(got.dq.ref(), want.dq.ref(), 0, 5 * score, c.name() + ", dq");
    expect_close(got.dk.ref(), want.dk.ref(), 0, 5 * queries * score, c.name() + ", dk");
    expect_close(got.dsinks.ref(), want.dsinks.ref(), 0, longest * std::sqrt(d) * score,
                 c.name() + ", dsinks");
  }
}

TEST_P(CpuSegments, FrozenPatternsGiveTheSameGradientOfValues) {
  for (const AdjointCase& c : adjoint_cases()) {
    const AdjointInputs in(c, DType::F32);
    const Gradients all(*cpu_, c, in);
    Sample dv = zeros(in.k.rows(), in.k.cols(), DType::F32);
    ops::attend_vjp(*cpu_, in.shape, in.segments,
                    {.q = in.q.ref(), .k = in.k.ref(), .dz = in.dz.ref(), .dv = dv.ref()});
    EXPECT_EQ(bytes_of(dv.ref()), bytes_of(all.dv.ref())) << c.name();
  }
}

TEST_P(CpuSegments, OnePatternServesManySeeds) {
  for (const AdjointCase& c : adjoint_cases()) {
    if (c.lengths[0] > 300) {
      continue;
    }
    const std::size_t queries = c.lengths[0];
    const std::size_t keys = c.first + queries;
    constexpr std::size_t kSeeds = 9;
    const AdjointInputs in(c, DType::F32);
    Sample pattern(c.heads * queries, keys, DType::F32);
    ops::attention_scores(*cpu_, in.shape, in.q.ref().row_range(0, queries),
                          in.k.ref().row_range(0, keys), pattern.ref());
    ops::attention_probabilities(*cpu_, in.shape, pattern.ref(), pattern.ref());
    const Sample dz = normal_sample(kSeeds * queries, c.heads * c.d_head, DType::F32, 26);
    const Sample exact_pattern = copy_as(pattern.ref(), DType::F64);
    const Sample exact_dz = copy_as(dz.ref(), DType::F64);
    Sample dv(kSeeds * keys, c.kv_heads * c.d_head, DType::F32);
    Sample exact(kSeeds * keys, c.kv_heads * c.d_head, DType::F64);
    const std::array<ConstMatRef, 1> whole = {pattern.ref()};
    const std::array<ConstMatRef, 1> exact_whole = {exact_pattern.ref()};
    ops::attention_mix_vjp(*cpu_, in.shape,
                           {.blocks = whole, .queries = queries, .dz = dz.ref(), .dv = dv.ref()});
    ops::attention_mix_vjp(
        *ref_, in.shape,
        {.blocks = exact_whole, .queries = queries, .dz = exact_dz.ref(), .dv = exact.ref()});
    const auto terms = static_cast<double>(queries * c.heads / c.kv_heads);
    expect_close(dv.ref(), exact.ref(), 0, 5 * terms * (terms + 2) * kEpsilon, c.name());
  }
}

/// The pattern of `queries` queries in blocks of `most`, each with the keys that it sees only.
std::vector<Sample> in_blocks(const AttentionShape& shape, ConstMatRef pattern, std::size_t most) {
  const std::size_t queries = pattern.rows / shape.heads;
  std::vector<Sample> out;
  for (std::size_t begin = 0; begin < queries; begin += most) {
    const std::size_t count = std::min(most, queries - begin);
    const std::size_t keys = shape.first + begin + count;
    out.emplace_back(shape.heads * count, keys, pattern.dtype);
    for (std::size_t head = 0; head < shape.heads; ++head) {
      convert(pattern.row_range(head * queries + begin, count).col_range(0, keys),
              out.back().ref().row_range(head * count, count));
    }
  }
  return out;
}

std::vector<ConstMatRef> refs_of(const std::vector<Sample>& blocks) {
  std::vector<ConstMatRef> out;
  for (const Sample& block : blocks) {
    out.push_back(block.ref());
  }
  return out;
}

TEST_P(CpuSegments, BlocksOfAPatternServeItsFirstQueries) {
  for (const AdjointCase& c : adjoint_cases()) {
    if (c.lengths[0] > 300) {
      continue;
    }
    const std::size_t queries = c.lengths[0];
    const AdjointInputs in(c, DType::F32);
    Sample pattern(c.heads * queries, c.first + queries, DType::F32);
    ops::attention_scores(*cpu_, in.shape, in.q.ref().row_range(0, queries),
                          in.k.ref().row_range(0, c.first + queries), pattern.ref());
    ops::attention_probabilities(*cpu_, in.shape, pattern.ref(), pattern.ref());
    const Sample exact_pattern = copy_as(pattern.ref(), DType::F64);
    const std::vector<Sample> blocks = in_blocks(in.shape, pattern.ref(), 7);
    const std::vector<Sample> exact_blocks = in_blocks(in.shape, exact_pattern.ref(), queries);
    for (const std::size_t count : {std::size_t{1}, (queries + 1) / 2, queries}) {
      const Sample dz = normal_sample(3 * count, c.heads * c.d_head, DType::F32, 27);
      const Sample exact_dz = copy_as(dz.ref(), DType::F64);
      Sample dv(3 * (c.first + count), c.kv_heads * c.d_head, DType::F32);
      Sample exact(dv.rows(), dv.cols(), DType::F64);
      ops::attention_mix_vjp(
          *cpu_, in.shape,
          {.blocks = refs_of(blocks), .queries = count, .dz = dz.ref(), .dv = dv.ref()});
      ops::attention_mix_vjp(*ref_, in.shape,
                             {.blocks = refs_of(exact_blocks),
                              .queries = count,
                              .dz = exact_dz.ref(),
                              .dv = exact.ref()});
      const auto terms = static_cast<double>(count * c.heads / c.kv_heads);
      expect_close(dv.ref(), exact.ref(), 0, 5 * terms * (terms + 2) * kEpsilon, c.name());
    }
  }
}

TEST_P(CpuSegments, BitsDoNotDependOnThreads) {
  const AdjointCase c = {.heads = 6,
                         .kv_heads = 2,
                         .d_head = 24,
                         .lengths = {20, 70, 33, 1, 9},
                         .soft_cap = 5,
                         .sinks = true};
  const AdjointInputs in(c, DType::F32);
  expect_same_for_threads([&] { return Gradients(*cpu_, c, in).bytes(); }, c.name());
  expect_same_for_threads(
      [&] {
        Sample z = zeros(in.q.rows(), in.q.cols(), DType::F32);
        ops::attend_segments(*cpu_, in.shape, in.segments, in.q.ref(), in.k.ref(), in.v.ref(),
                             z.ref());
        return bytes_of(z.ref());
      },
      c.name());
}

INSTANTIATE_TEST_SUITE_P(Isa, CpuSegments, ::testing::ValuesIn(cpu_isas()),
                         [](const auto& level) { return std::string(level.param); });

}  // namespace
}  // namespace cajal
