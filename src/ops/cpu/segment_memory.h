// The packed matrices of one head of one segment, in a thread's scratch memory.
#pragma once

#include <algorithm>
#include <span>

#include "ops/attention_vjp.h"
#include "ops/cpu/attention_kernels.h"
#include "ops/cpu/scratch.h"
#include "ops/cpu/tile_kernels.h"
#include "ops/visible.h"

namespace cajal::cpu {

/// Sizes that every segment of a call fits in; from the shape alone.
struct SegmentPlan {
  SegmentPlan(const AttentionShape& shape, std::size_t longest)
      : d_head(shape.d_head),
        width(round_up(shape.d_head, kTileCols)),
        keys(round_up(shape.first + longest, kTileRows)),
        stride(round_up(shape.first + longest, kTileCols) + kTileCols) {
    constexpr std::size_t kPatternFloats = 65536;  // of a block of queries: they stay in a cache
    const std::size_t fitting = kPatternFloats / stride / kTileRows * kTileRows;
    rows = std::min(round_up(longest, kTileRows), std::max(fitting, 2 * kTileRows));
  }
  std::size_t packed_floats() const { return keys * width; }
  std::size_t transposed_floats() const { return round_up(keys, kKeyBlock) * d_head; }
  std::size_t block_floats() const { return rows * width; }
  std::size_t pattern_floats() const { return rows * stride; }
  std::size_t tile_floats() const { return kTileRows * stride; }

  std::size_t d_head;
  std::size_t width;     // of packed rows of a head
  std::size_t keys;      // packed rows of keys
  std::size_t stride;    // of patterns, with room for a vector after the last key
  std::size_t rows = 0;  // queries worked on at a time
};

/// Takes pieces of a thread's memory, each aligned to 64 bytes.
class Carver {
 public:
  explicit Carver(float* memory) : memory_(memory) {}
  float* take(std::size_t count) {
    float* taken = memory_ == nullptr ? nullptr : memory_ + used_;
    used_ += round_up(count, 16);
    return taken;
  }
  std::size_t used() const { return used_; }

 private:
  float* memory_;
  std::size_t used_ = 0;
};

/// to[r * width + c] = from[r, c] for columns of one head, 0 beside and below it, `rows` in all.
inline void pack(MatrixView<const float> from, std::size_t rows, std::size_t width, float* to) {
  for (std::size_t r = 0; r < rows; ++r) {
    const std::size_t count = r < from.rows ? from.cols : 0;
    std::copy_n(from.data + r * from.stride, count, to + r * width);
    std::fill(to + r * width + count, to + (r + 1) * width, 0.0F);
  }
}

inline void unpack(const float* from, std::size_t width, MatrixView<float> to) {
  for (std::size_t r = 0; r < to.rows; ++r) {
    std::copy_n(from + r * width, to.cols, to.data + r * to.stride);
  }
}

/// Keys (or values) of one head by blocks of kKeyBlock: out[block][c][key].
inline void transpose(MatrixView<const float> from, float* out) {
  for (std::size_t key = 0; key < from.rows; key += kKeyBlock) {
    transpose_keys(from.data + key * from.stride, from.stride, std::min(kKeyBlock, from.rows - key),
                   from.cols, out + key * from.cols);
  }
}

/// The keys that a tile of `count` queries sees. Rows after them see what the last does.
inline TilePattern tile_pattern(const AttentionShape& shape, const SegmentPlan& plan,
                                std::size_t query, std::size_t count) {
  TilePattern keys = {.stride = plan.stride};
  for (std::size_t i = 0; i < kTileRows; ++i) {
    const KeyRange own = visible_keys(shape, query + std::min(i, count - 1));
    keys.begin[i] = own.begin;
    keys.end[i] = own.end;
  }
  keys.first = keys.begin[0] / kTileCols * kTileCols;
  keys.last = round_up(keys.end[kTileRows - 1], kTileCols);
  return keys;
}

/// hide[row, key] of SoftmaxTile for the tile that begins at `query`; nullptr where nothing hides.
inline const float* hide_keys(const AttentionSegment& segment, const TilePattern& keys,
                              std::size_t query, float* hide) {
  if (segment.seen_until.empty()) {
    return nullptr;
  }
  constexpr float kHidden = -1e30F;  // far below every score, and finite beside every other
  for (std::size_t row = 0; row < kTileRows; ++row) {
    for (std::size_t key = keys.first; key < keys.last; ++key) {
      const bool hidden = key < segment.queries && segment.hides(key, query + row);
      hide[row * keys.stride + key] = hidden ? kHidden : 0.0F;
    }
  }
  return hide;
}

/// out[row, key] = a[row] . b[key] for a tile of rows and the keys of `keys`; b from transpose().
inline void multiply_by_keys(const SegmentPlan& plan, const float* a, const float* transposed,
                             const TilePattern& keys, float* out) {
  for (std::size_t key = keys.first; key < keys.last;) {
    const std::size_t within = key % kKeyBlock;
    const std::size_t count = std::min(kKeyBlock - within, keys.last - key);
    multiply_tile({.a = a,
                   .a_row = plan.width,
                   .a_step = 1,
                   .b = transposed + (key - within) * plan.d_head + within,
                   .b_step = kKeyBlock,
                   .inner = plan.d_head,
                   .c = out + key,
                   .c_row = plan.stride,
                   .cols = count});
    key += count;
  }
}

/// out[row] = sum over the keys of `keys` of pattern[row, key] * packed[key], for a tile of rows.
inline void mix_by_keys(const SegmentPlan& plan, const float* pattern, const float* packed,
                        const TilePattern& keys, float* out) {
  multiply_tile({.a = pattern + keys.first,
                 .a_row = plan.stride,
                 .a_step = 1,
                 .b = packed + keys.first * plan.width,
                 .b_step = plan.width,
                 .inner = keys.end[kTileRows - 1] - keys.first,
                 .c = out,
                 .c_row = plan.width,
                 .cols = plan.width});
}

/// The columns of one head and the rows of one segment.
template <typename T>
MatrixView<T> head_rows(MatrixView<T> m, std::size_t row, std::size_t rows, std::size_t head,
                        std::size_t d_head) {
  return m.row_range(row, rows).col_range(head * d_head, d_head);
}

/// The longest of the segments.
inline std::size_t longest_of(std::span<const AttentionSegment> segments) {
  std::size_t longest = 0;
  for (const AttentionSegment& segment : segments) {
    longest = std::max(longest, segment.queries);
  }
  return longest;
}

}  // namespace cajal::cpu
