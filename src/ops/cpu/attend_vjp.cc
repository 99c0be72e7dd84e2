#include "base/parallel.h"
#include "ops/cpu/cpu_backend.h"
#include "ops/cpu/float_rows.h"
#include "ops/cpu/pieces.h"
#include "ops/cpu/segment_memory.h"

namespace cajal {
namespace {

using cpu::kTileRows;
using cpu::SegmentPlan;

/// What one thread works in.
struct AdjointMemory {
  AdjointMemory(const SegmentPlan& plan, float* memory) {
    cpu::Carver carver(memory);
    keys = carver.take(plan.transposed_floats());
    values = carver.take(plan.transposed_floats());
    k = carver.take(plan.packed_floats());
    dk = carver.take(plan.packed_floats());
    dv = carver.take(plan.packed_floats());
    q = carver.take(plan.block_floats());
    dz = carver.take(plan.block_floats());
    dq = carver.take(plan.block_floats());
    p = carver.take(plan.pattern_floats());
    dp = carver.take(plan.pattern_floats());
    slopes = carver.take(plan.pattern_floats());
    hide = carver.take(plan.tile_floats());
    used = carver.used();
  }
  float *keys, *values, *k, *dk, *dv, *q, *dz, *dq, *p, *dp, *slopes, *hide;
  std::size_t used;
};

/// to[key] += the sum over queries of pattern[query, key] * rows[query], for all keys that the
/// `count` queries from `begin` on see. Row 0 of pattern and rows is the first of them.
void add_to_keys(const AttentionShape& shape, const SegmentPlan& plan, std::size_t begin,
                 std::size_t count, const float* pattern, const float* rows, float* to) {
  const std::size_t first = visible_keys(shape, begin).begin / kTileRows * kTileRows;
  const std::size_t last = visible_keys(shape, begin + count - 1).end;
  for (std::size_t key = first; key < last; key += kTileRows) {
    std::size_t from = begin;  // the first query that sees one of these keys, and the first after
    std::size_t end = begin + count;
    from = std::max(from, key < shape.first ? 0 : key - shape.first);
    if (shape.window != 0) {
      const std::size_t beyond = key + kTileRows + shape.window - 1;  // key number of that query
      end = std::min(end, beyond < shape.first ? 0 : beyond - shape.first);
    }
    if (from < end) {
      cpu::multiply_tile({.a = pattern + (from - begin) * plan.stride + key,
                          .a_row = 1,
                          .a_step = plan.stride,
                          .b = rows + (from - begin) * plan.width,
                          .b_step = plan.width,
                          .inner = end - from,
                          .c = to + key * plan.width,
                          .c_row = plan.width,
                          .cols = plan.width,
                          .accumulate = true});
    }
  }
}

/// One attend_vjp(): its arguments, and what each unit of work (the heads of a segment that share
/// keys) does.
struct AttendVjp {
  const AttentionShape& shape;
  const AttendVjpArgs& args;
  const SegmentPlan& plan;
  const float* sinks;

  bool whole() const { return static_cast<bool>(args.dq); }

  void run(const AttentionSegment& at, std::size_t shared, const AdjointMemory& memory,
           double* dsinks) const {
    const std::size_t keys = shape.first + at.queries;
    const auto rows_of = [&](ConstMatRef m) {
      return cpu::head_rows(m.as<const float>(), at.key_row, keys, shared, shape.d_head);
    };
    cpu::transpose(rows_of(args.k), memory.keys);
    std::fill_n(memory.dv, plan.packed_floats(), 0.0F);
    if (whole()) {
      cpu::transpose(rows_of(args.v), memory.values);
      cpu::pack(rows_of(args.k), keys, plan.width, memory.k);
      std::fill_n(memory.dk, plan.packed_floats(), 0.0F);
    }
    const std::size_t group = shape.heads / shape.kv_heads;
    for (std::size_t i = 0; i < group; ++i) {
      for (std::size_t begin = 0; begin < at.queries; begin += plan.rows) {
        const std::size_t count = std::min(plan.rows, at.queries - begin);
        dsinks[i] += run_block(at, shared * group + i, {begin, count}, memory);
      }
    }
    for (const auto& [from, to] : {std::pair(memory.dk, args.dk), std::pair(memory.dv, args.dv)}) {
      if (to) {
        cpu::unpack(from, plan.width,
                    cpu::head_rows(to.as<float>(), at.key_row, keys, shared, shape.d_head));
      }
    }
  }

 private:
  struct Block {
    std::size_t begin = 0;  // of queries
    std::size_t count = 0;
  };

  /// Returns the gradient of the head's sink.
  double run_block(const AttentionSegment& at, std::size_t head, Block block,
                   const AdjointMemory& memory) const {
    const auto rows_of = [&](auto m) {
      return cpu::head_rows(m, at.query_row + block.begin, block.count, head, shape.d_head);
    };
    const std::size_t padded = cpu::round_up(block.count, kTileRows);
    cpu::pack(rows_of(args.q.as<const float>()), padded, plan.width, memory.q);
    cpu::pack(rows_of(args.dz.as<const float>()), padded, plan.width, memory.dz);
    double dsink = 0;
    for (std::size_t row = 0; row < block.count; row += kTileRows) {
      dsink += run_tile(at, block, row, head, memory);
    }
    const auto add = [&](const float* pattern, const float* rows, float* to) {
      add_to_keys(shape, plan, block.begin, block.count, pattern, rows, to);
    };
    if (args.dv) {
      add(memory.p, memory.dz, memory.dv);
    }
    if (whole()) {
      add(memory.dp, memory.q, memory.dk);
      cpu::unpack(memory.dq, plan.width, rows_of(args.dq.as<float>()));
    }
    return dsink;
  }

  /// Patterns, their gradients and dq of a tile of queries. Returns the gradient of the sink.
  double run_tile(const AttentionSegment& segment, Block block, std::size_t row, std::size_t head,
                  const AdjointMemory& memory) const {
    const std::size_t count = std::min(kTileRows, block.count - row);
    const cpu::TilePattern keys = cpu::tile_pattern(shape, plan, block.begin + row, count);
    const std::size_t at = row * plan.stride;
    float* slopes = shape.soft_cap == 0 ? nullptr : memory.slopes + at;
    std::array<float, kTileRows> taken;
    cpu::multiply_by_keys(plan, memory.q + row * plan.width, memory.keys, keys, memory.p + at);
    cpu::softmax_tile({.keys = keys,
                       .p = memory.p + at,
                       .slopes = slopes,
                       .sink = sinks == nullptr ? nullptr : sinks + head,
                       .scale = static_cast<float>(shape.scale),
                       .soft_cap = static_cast<float>(shape.soft_cap),
                       .hide = cpu::hide_keys(segment, keys, block.begin + row, memory.hide)},
                      taken.data());
    if (!whole()) {
      return 0;
    }
    std::array<float, kTileRows> along;
    cpu::multiply_by_keys(plan, memory.dz + row * plan.width, memory.values, keys, memory.dp + at);
    cpu::score_gradient_tile({.keys = keys,
                              .p = memory.p + at,
                              .slopes = slopes,
                              .dp = memory.dp + at,
                              .scale = static_cast<float>(shape.scale)},
                             along.data());
    cpu::mix_by_keys(plan, memory.dp + at, memory.k, keys, memory.dq + row * plan.width);
    double dsink = 0;
    for (std::size_t i = 0; i < count; ++i) {
      dsink -= static_cast<double>(taken[i]) * static_cast<double>(along[i]);
    }
    return dsink;
  }
};

constexpr std::size_t kSeeds = 8;  // that share one copy of a pattern

/// One attention_mix_vjp().
struct FrozenPattern {
  const AttentionShape& shape;
  const MixVjpArgs& args;
  MatrixView<const float> dz;  // [seeds * queries, heads * d_head]
  MatrixView<float> dv;        // [seeds * keys, kv_heads * d_head]
  SegmentPlan plan = SegmentPlan(shape, args.queries);

  std::size_t seeds() const { return dz.rows / args.queries; }
  std::size_t keys() const { return shape.first + args.queries; }
  /// Queries of the largest block.
  std::size_t most() const {
    std::size_t rows = 0;
    for (const ConstMatRef block : args.blocks) {
      rows = std::max(rows, block.rows);
    }
    return std::min(args.queries, rows / shape.heads);
  }
  std::size_t pattern_floats() const { return cpu::round_up(most() * plan.stride, 16); }
  std::size_t query_floats() const { return cpu::round_up(most() * plan.width, 16); }
  std::size_t floats() const {
    return pattern_floats() + query_floats() + kSeeds * plan.packed_floats();
  }

  /// dv of one key head for seeds [begin, end).
  void run(std::size_t shared, std::size_t begin, std::size_t end, float* memory) const {
    float* rows = memory + pattern_floats();
    float* sums = rows + query_floats();
    std::fill_n(sums, (end - begin) * plan.packed_floats(), 0.0F);
    const std::size_t group = shape.heads / shape.kv_heads;
    for (std::size_t head = shared * group; head < (shared + 1) * group; ++head) {
      for (std::size_t first = 0, block = 0; first < args.queries; ++block) {
        const auto pattern = args.blocks[block].as<const float>();
        const std::size_t queries = pattern.rows / shape.heads;
        const std::size_t count = std::min(queries, args.queries - first);
        cpu::pack(
            pattern.row_range(head * queries, count).col_range(0, std::min(pattern.cols, keys())),
            count, plan.stride, memory);
        for (std::size_t seed = begin; seed < end; ++seed) {
          cpu::pack(cpu::head_rows(dz, seed * args.queries + first, count, head, shape.d_head),
                    count, plan.width, rows);
          add_to_keys(shape, plan, first, count, memory, rows,
                      sums + (seed - begin) * plan.packed_floats());
        }
        first += queries;
      }
    }
    for (std::size_t seed = begin; seed < end; ++seed) {
      cpu::unpack(sums + (seed - begin) * plan.packed_floats(), plan.width,
                  cpu::head_rows(dv, seed * keys(), keys(), shared, shape.d_head));
    }
  }
};

}  // namespace

void CpuBackend::attend_vjp(const AttentionShape& shape, std::span<const AttentionSegment> segments,
                            const AttendVjpArgs& args) {
  const SegmentPlan plan(shape, cpu::longest_of(segments));
  const cpu::FloatRows sinks(shape.sinks);
  const AttendVjp vjp = {shape, args, plan, sinks.row(0)};
  const std::size_t each = AdjointMemory(plan, nullptr).used;
  float* scratch = scratch_.floats(each * static_cast<std::size_t>(threads()));
  const std::size_t group = shape.heads / shape.kv_heads;
  std::vector<double> dsinks(segments.size() * shape.heads, 0.0);
  parallel_for(segments.size() * shape.kv_heads, 1, [&](std::size_t begin, std::size_t end) {
    for (std::size_t unit = begin; unit < end; ++unit) {
      const std::size_t segment = unit % segments.size();
      const std::size_t shared = unit / segments.size();
      vjp.run(segments[segment], shared, AdjointMemory(plan, scratch + thread_index() * each),
              &dsinks[segment * shape.heads + shared * group]);
    }
  });
  for (std::size_t i = 0; i < dsinks.size() && args.dsinks; ++i) {
    args.dsinks.as<float>().at(0, i % shape.heads) += static_cast<float>(dsinks[i]);
  }
}

void CpuBackend::attention_mix_vjp(const AttentionShape& shape, const MixVjpArgs& args) {
  const FrozenPattern frozen = {shape, args, args.dz.as<const float>(), args.dv.as<float>()};
  const std::size_t each = frozen.floats();
  float* scratch = scratch_.floats(each * static_cast<std::size_t>(threads()));
  const std::size_t parts = (frozen.seeds() + kSeeds - 1) / kSeeds;
  parallel_for(shape.kv_heads * parts, 1, [&](std::size_t first, std::size_t last) {
    for (std::size_t unit = first; unit < last; ++unit) {
      const std::size_t begin = unit % parts * kSeeds;
      frozen.run(unit / parts, begin, std::min(frozen.seeds(), begin + kSeeds),
                 scratch + thread_index() * each);
    }
  });
}

}  // namespace cajal
