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

/// Patterns of a tile of queries. Query i sees keys [begin[i], end[i]); what lies beside them in
/// [first, last) becomes 0. kTileCols floats after `last` may be overwritten.
struct TilePattern {
  std::size_t first = 0, last = 0;  // multiples of kTileCols
  std::size_t begin[kTileRows] = {};
  std::size_t end[kTileRows] = {};  // ascending, > begin
  std::size_t stride = 0;
};

struct SoftmaxTile {
  TilePattern keys;
  float* p = nullptr;       // products of q and k, which become probabilities
  float* slopes = nullptr;  // of the soft cap, written where it is not nullptr
  const float* sink = nullptr;
  float scale = 1.0F;
  float soft_cap = 0.0F;        // 0: none
  const float* hide = nullptr;  // as p, added to the scores: lowest where hidden, else 0
};
/// taken[i] = the probability that the sink takes of query i, 0 without one.
void softmax_tile(const SoftmaxTile& tile, float* taken);

struct ScoreGradientTile {
  TilePattern keys;
  const float* p = nullptr;
  const float* slopes = nullptr;  // nullptr: no soft cap
  float* dp = nullptr;            // becomes p (dp - sum p dp) slope scale
  float scale = 1.0F;
};
/// along[i] = sum p dp of query i.
void score_gradient_tile(const ScoreGradientTile& tile, float* along);

}  // namespace cajal::cpu
