// What attention over short segments is made of: tiles of eight rows, on f32 by vectors.
//
// Matrices are packed: rows padded to kTileRows, columns to kTileCols, so that no tile has a rest.
// Every sum runs in the order of its terms, as those of attention_kernels.h: attention over
// segments gives the bits of attention over one.
#pragma once

#include <cstddef>

namespace cajal::cpu {

inline constexpr std::size_t kTileRows = 8;
inline constexpr std::size_t kTileCols = 16;

struct TileProduct {
  const float* a = nullptr;  // element (row, t) is a[row * a_row + t * a_step]
  std::size_t a_row = 0;
  std::size_t a_step = 0;
  const float* b = nullptr;  // row t starts at b + t * b_step
  std::size_t b_step = 0;
  std::size_t inner = 0;  // t < inner
  float* c = nullptr;     // [kTileRows, cols]
  std::size_t c_row = 0;
  std::size_t cols = 0;  // a multiple of kTileCols
  bool accumulate = false;
};
/// c = a * b, or += if accumulate.
void multiply_tile(const TileProduct& product);

/// One query's row of scores or of their gradients. Keys [begin, end) are visible; what lies
/// beside them in [first, last) is set to 0. kTileCols floats after `end` may be overwritten.
struct PatternRow {
  std::size_t first = 0, begin = 0, end = 0, last = 0;
};

struct SoftmaxRow {
  PatternRow keys;
  float* p = nullptr;       // products of q and k, which become probabilities
  float* slopes = nullptr;  // of the soft cap, written where it is not nullptr
  const float* sink = nullptr;
  float scale = 1.0F;
  float soft_cap = 0.0F;  // 0: none
};
/// Returns the probability that the sink takes, 0 without one.
float softmax_row(const SoftmaxRow& row);

struct ScoreGradientRow {
  PatternRow keys;
  const float* p = nullptr;
  const float* slopes = nullptr;  // nullptr: no soft cap
  float* dp = nullptr;            // becomes p (dp - sum p dp) slope scale
  float scale = 1.0F;
};
/// Returns sum p dp.
float score_gradient_row(const ScoreGradientRow& row);

}  // namespace cajal::cpu
