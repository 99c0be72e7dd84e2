#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/cpu/attention_kernels.cc"
#include "ops/cpu/attention_kernels.h"

#include <algorithm>

#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

#include "ops/cpu/math_inl.h"
#include "ops/cpu/simd_inl.h"

HWY_BEFORE_NAMESPACE();
namespace cajal::cpu::HWY_NAMESPACE {
namespace {

/// How far ahead rows of keys and values are asked for: a head has a few cache lines of each, too
/// few in a row for the processor to see where it goes.
constexpr std::size_t kRowsAhead = 16;

/// Vectors of one row of a tile; with four rows, their sums must fit the registers.
constexpr std::size_t kWide = HWY_TARGET == HWY_AVX3 ? 4 : 2;

#if HWY_TARGET == HWY_SCALAR
constexpr std::size_t kSquare = 1;
#else
constexpr std::size_t kSquare = 4;

/// Four keys, kLanes dimensions: 4 by 4 transposes within the 128-bit blocks of four vectors.
HWY_INLINE void transpose_four(const float* keys, std::size_t stride, float* out) {
  const Floats d;
  const Vector a = load(keys);
  const Vector b = load(keys + stride);
  const Vector c = load(keys + 2 * stride);
  const Vector e = load(keys + 3 * stride);
  const hn::Repartition<double, Floats> pairs;
  const auto ab_low = hn::BitCast(pairs, hn::InterleaveLower(d, a, b));
  const auto ab_high = hn::BitCast(pairs, hn::InterleaveUpper(d, a, b));
  const auto ce_low = hn::BitCast(pairs, hn::InterleaveLower(d, c, e));
  const auto ce_high = hn::BitCast(pairs, hn::InterleaveUpper(d, c, e));
  float lanes[4][kLanes];
  store(hn::BitCast(d, hn::InterleaveLower(pairs, ab_low, ce_low)), lanes[0]);
  store(hn::BitCast(d, hn::InterleaveUpper(pairs, ab_low, ce_low)), lanes[1]);
  store(hn::BitCast(d, hn::InterleaveLower(pairs, ab_high, ce_high)), lanes[2]);
  store(hn::BitCast(d, hn::InterleaveUpper(pairs, ab_high, ce_high)), lanes[3]);
  for (std::size_t i = 0; i < kLanes; ++i) {
    std::memcpy(out + i * kKeyBlock, lanes[i % 4] + i / 4 * 4, 4 * sizeof(float));
  }
}
#endif

void transpose_keys(const float* keys, std::size_t stride, std::size_t count, std::size_t d_head,
                    float* out, std::size_t padded) {
  std::size_t j = 0;
#if HWY_TARGET != HWY_SCALAR
  for (; j + kSquare <= count; j += kSquare) {
    std::size_t c = 0;
    for (; c + kLanes <= d_head; c += kLanes) {
      for (std::size_t i = j; i < j + kSquare; ++i) {
        hwy::Prefetch(keys + (i + kRowsAhead) * stride + c);
      }
      transpose_four(keys + j * stride + c, stride, out + c * kKeyBlock + j);
    }
    for (; c < d_head; ++c) {
      for (std::size_t i = j; i < j + kSquare; ++i) {
        out[c * kKeyBlock + i] = keys[i * stride + c];
      }
    }
  }
#endif
  for (; j < count; ++j) {
    for (std::size_t c = 0; c < d_head; ++c) {
      out[c * kKeyBlock + j] = keys[j * stride + c];
    }
  }
  for (std::size_t c = 0; count < padded && c < d_head; ++c) {
    std::fill(out + c * kKeyBlock + count, out + c * kKeyBlock + padded, 0.0F);
  }
}

/// Q queries, kWide vectors of keys from key `first`.
template <std::size_t Q>
HWY_INLINE void score_tile(const ScoreBlock& block, std::size_t query, std::size_t first) {
  const float* q = block.q + query * block.q_stride;
  Vector sums[Q][kWide];
  for (std::size_t i = 0; i < Q; ++i) {
    for (std::size_t part = 0; part < kWide; ++part) {
      sums[i][part] = broadcast(0.0F);
    }
  }
  for (std::size_t c = 0; c < block.d_head; ++c) {
    Vector keys[kWide];
    for (std::size_t part = 0; part < kWide; ++part) {
      keys[part] = load(block.keys + c * kKeyBlock + first + part * kLanes);
    }
    for (std::size_t i = 0; i < Q; ++i) {
      const Vector x = broadcast(q[i * block.q_stride + c]);
      for (std::size_t part = 0; part < kWide; ++part) {
        sums[i][part] = hn::MulAdd(x, keys[part], sums[i][part]);
      }
    }
  }
  for (std::size_t i = 0; i < Q; ++i) {
    for (std::size_t part = 0; part < kWide; ++part) {
      Vector scores = hn::Mul(sums[i][part], broadcast(block.scale));
      if (block.soft_cap != 0.0F) {
        const Vector cap = broadcast(block.soft_cap);
        scores = hn::Mul(cap, tanh(hn::Div(scores, cap)));
      }
      store(scores, block.out + (query + i) * block.out_stride + first + part * kLanes);
    }
  }
}

void score(const ScoreBlock& block) {
  std::size_t query = 0;
  for (; query + 4 <= block.queries; query += 4) {
    for (std::size_t first = 0; first < kKeyBlock; first += kWide * kLanes) {
      score_tile<4>(block, query, first);
    }
  }
  for (; query < block.queries; ++query) {
    for (std::size_t first = 0; first < kKeyBlock; first += kWide * kLanes) {
      score_tile<1>(block, query, first);
    }
  }
}

void softmax(const float* scores, std::size_t count, const float* sink, float* out) {
  float largest = sink != nullptr ? *sink : scores[0];
  Vector most = broadcast(largest);
  std::size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    most = hn::Max(most, load(scores + i));
  }
  for (; i < count; ++i) {
    largest = std::max(largest, scores[i]);
  }
  largest = std::max(largest, hn::GetLane(hn::MaxOfLanes(Floats(), most)));

  Vector sums = broadcast(0.0F);
  map(count, scores, out, [&](Vector x) { return exp(hn::Sub(x, broadcast(largest))); });
  for (i = 0; i + kLanes <= count; i += kLanes) {
    sums = hn::Add(sums, load(out + i));
  }
  if (i < count) {
    sums = hn::Add(sums, load_some(out + i, count - i));
  }
  float total = sum(sums);
  if (sink != nullptr) {
    total += hn::GetLane(exp(broadcast(*sink - largest)));
  }
  const Vector factor = broadcast(1.0F / total);
  map(count, out, out, [&](Vector x) { return hn::Mul(x, factor); });
}

/// Q queries, W vectors of columns; `load_at` and `store_at` reach a vector's columns.
template <std::size_t Q, std::size_t W, typename Load, typename Store>
HWY_INLINE void mix_tile(const MixBlock& block, std::size_t column, const Load& load_at,
                         const Store& store_at) {
  Vector sums[Q][W];
  for (std::size_t i = 0; i < Q; ++i) {
    for (std::size_t part = 0; part < W; ++part) {
      sums[i][part] = load_at(block.z + i * block.z_stride + column + part * kLanes);
    }
  }
  for (std::size_t j = 0; j < block.keys; ++j) {
    Vector values[W];
    for (std::size_t part = 0; part < W; ++part) {
      hwy::Prefetch(block.v + (j + kRowsAhead) * block.v_stride + column + part * kLanes);
      values[part] = load_at(block.v + j * block.v_stride + column + part * kLanes);
    }
    for (std::size_t i = 0; i < Q; ++i) {
      const Vector p = broadcast(block.p[i * block.p_stride + j]);
      for (std::size_t part = 0; part < W; ++part) {
        sums[i][part] = hn::MulAdd(p, values[part], sums[i][part]);
      }
    }
  }
  for (std::size_t i = 0; i < Q; ++i) {
    for (std::size_t part = 0; part < W; ++part) {
      store_at(sums[i][part], block.z + i * block.z_stride + column + part * kLanes);
    }
  }
}

template <std::size_t Q>
HWY_INLINE void mix_columns(const MixBlock& block) {
  const auto load_all = [](const float* p) { return load(p); };
  const auto store_all = [](Vector v, float* p) { store(v, p); };
  std::size_t c = 0;
  for (; c + kWide * kLanes <= block.d_head; c += kWide * kLanes) {
    mix_tile<Q, kWide>(block, c, load_all, store_all);
  }
  for (; c + kLanes <= block.d_head; c += kLanes) {
    mix_tile<Q, 1>(block, c, load_all, store_all);
  }
  if (c < block.d_head) {
    const std::size_t rest = block.d_head - c;
    mix_tile<Q, 1>(
        block, c, [rest](const float* p) { return load_some(p, rest); },
        [rest](Vector v, float* p) { store_some(v, p, rest); });
  }
}

void mix(const MixBlock& block) {
  if (block.queries == 4) {
    mix_columns<4>(block);
  } else {
    mix_columns<1>(block);
  }
}

}  // namespace
}  // namespace cajal::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cajal::cpu {

HWY_EXPORT(transpose_keys);
HWY_EXPORT(score);
HWY_EXPORT(softmax);
HWY_EXPORT(mix);

void transpose_keys(const float* keys, std::size_t stride, std::size_t count, std::size_t d_head,
                    float* out, std::size_t padded) {
  HWY_DYNAMIC_DISPATCH(transpose_keys)(keys, stride, count, d_head, out, padded);
}

void score(const ScoreBlock& block) {
  HWY_DYNAMIC_DISPATCH(score)(block);
}

void softmax(const float* scores, std::size_t count, const float* sink, float* out) {
  HWY_DYNAMIC_DISPATCH(softmax)(scores, count, sink, out);
}

void mix(const MixBlock& block) {
  HWY_DYNAMIC_DISPATCH(mix)(block);
}

}  // namespace cajal::cpu
#endif
