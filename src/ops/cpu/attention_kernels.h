// Parts of attention on small blocks. Each sum has an order of its own (dimension by dimension, key
// by key), whatever the blocks are: a query gives the same bits alone, in a batch and in any chunk.
#pragma once

#include <cstddef>

namespace cajal::cpu {

inline constexpr std::size_t kKeyBlock = 64;

/// out[c * kKeyBlock + j] = keys[j * stride + c] for j < count <= kKeyBlock, c < d_head; 0 for
/// j from count to `padded` <= kKeyBlock.
void transpose_keys(const float* keys, std::size_t stride, std::size_t count, std::size_t d_head,
                    float* out, std::size_t padded = kKeyBlock);

struct ScoreBlock {
  const float* q = nullptr;  // [queries, d_head]
  std::size_t q_stride = 0;
  std::size_t queries = 0;
  std::size_t d_head = 0;
  const float* keys = nullptr;  // [d_head, kKeyBlock], from transpose_keys
  float scale = 1.0F;
  float soft_cap = 0.0F;  // 0: none
  float* out = nullptr;   // [queries, kKeyBlock]
  std::size_t out_stride = 0;
};
void score(const ScoreBlock& block);

/// out = softmax of `count` scores and the sink, which is not in `out`; sink may be nullptr.
void softmax(const float* scores, std::size_t count, const float* sink, float* out);

struct MixBlock {
  const float* p = nullptr;  // [queries, keys]
  std::size_t p_stride = 0;
  std::size_t queries = 0;   // 1 or 4
  const float* v = nullptr;  // [keys, d_head]
  std::size_t v_stride = 0;
  std::size_t keys = 0;
  std::size_t d_head = 0;
  float* z = nullptr;  // [queries, d_head]
  std::size_t z_stride = 0;
};
/// z += p * v.
void mix(const MixBlock& block);

}  // namespace cajal::cpu
