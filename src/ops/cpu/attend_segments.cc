#include "base/parallel.h"
#include "ops/cpu/cpu_backend.h"
#include "ops/cpu/float_rows.h"
#include "ops/cpu/pieces.h"
#include "ops/cpu/segment_memory.h"

namespace cajal {
namespace {

using cpu::kTileRows;

/// What one thread works in.
struct SegmentMemory {
  SegmentMemory(const cpu::SegmentPlan& plan, float* memory) {
    cpu::Carver carver(memory);
    keys = carver.take(plan.transposed_floats());
    v = carver.take(plan.packed_floats());
    q = carver.take(plan.block_floats());
    z = carver.take(plan.block_floats());
    p = carver.take(plan.pattern_floats());
    hide = carver.take(plan.tile_floats());
    used = carver.used();
  }
  float *keys, *v, *q, *z, *p, *hide;
  std::size_t used;
};

/// Attention of one head of one segment.
struct HeadAttention {
  const AttentionShape& shape;
  const AttentionSegment& segment;
  const cpu::SegmentPlan& plan;
  const float* sink;
  SegmentMemory memory;

  /// A tile of queries of the block that starts at `begin`; q is packed.
  void attend_tile(std::size_t begin, std::size_t row, std::size_t count) const {
    const std::size_t query = begin + row;
    const cpu::TilePattern keys = cpu::tile_pattern(shape, plan, query, count);
    float* p = memory.p + row * plan.stride;
    std::array<float, kTileRows> taken;
    cpu::multiply_by_keys(plan, memory.q + row * plan.width, memory.keys, keys, p);
    cpu::softmax_tile({.keys = keys,
                       .p = p,
                       .sink = sink,
                       .scale = static_cast<float>(shape.scale),
                       .soft_cap = static_cast<float>(shape.soft_cap),
                       .hide = cpu::hide_keys(segment, keys, query, memory.hide)},
                      taken.data());
    cpu::mix_by_keys(plan, p, memory.v, keys, memory.z + row * plan.width);
  }
};

/// Rows of z, which may be BF16.
void write_rows(const float* from, std::size_t width, MatRef to) {
  for (std::size_t r = 0; r < to.rows; ++r) {
    const float* row = from + r * width;
    if (to.dtype == DType::BF16) {
      cpu::round_to_bf16(row, to.cols, reinterpret_cast<BFloat16*>(cpu::place(to, r, 0)));
    } else {
      std::copy_n(row, to.cols, reinterpret_cast<float*>(cpu::place(to, r, 0)));
    }
  }
}

}  // namespace

void CpuBackend::attend_segments(const AttentionShape& shape,
                                 std::span<const AttentionSegment> segments, ConstMatRef q,
                                 ConstMatRef k, ConstMatRef v, MatRef z) {
  const cpu::SegmentPlan plan(shape, cpu::longest_of(segments));
  const cpu::FloatRows sinks(shape.sinks);
  const std::size_t d = shape.d_head;
  const std::size_t each = SegmentMemory(plan, nullptr).used;
  float* scratch = scratch_.floats(each * static_cast<std::size_t>(threads()));
  const auto run = [&](const AttentionSegment& at, std::size_t head) {
    const std::size_t keys = shape.first + at.queries;
    const std::size_t shared = head / (shape.heads / shape.kv_heads);
    const HeadAttention work = {shape, at, plan, shape.sinks ? sinks.row(0) + head : nullptr,
                                SegmentMemory(plan, scratch + thread_index() * each)};
    cpu::transpose(cpu::head_rows(k.as<const float>(), at.key_row, keys, shared, d),
                   work.memory.keys);
    cpu::pack(cpu::head_rows(v.as<const float>(), at.key_row, keys, shared, d), keys, plan.width,
              work.memory.v);
    const auto queries = cpu::head_rows(q.as<const float>(), at.query_row, at.queries, head, d);
    for (std::size_t begin = 0; begin < at.queries; begin += plan.rows) {
      const std::size_t count = std::min(plan.rows, at.queries - begin);
      cpu::pack(queries.row_range(begin, count), cpu::round_up(count, kTileRows), plan.width,
                work.memory.q);
      for (std::size_t row = 0; row < count; row += kTileRows) {
        work.attend_tile(begin, row, std::min(kTileRows, count - row));
      }
      write_rows(work.memory.z, plan.width,
                 z.row_range(at.query_row + begin, count).col_range(head * d, d));
    }
  };
  parallel_for(segments.size() * shape.heads, 1, [&](std::size_t begin, std::size_t end) {
    for (std::size_t unit = begin; unit < end; ++unit) {
      run(segments[unit % segments.size()], unit / segments.size());
    }
  });
}

}  // namespace cajal
