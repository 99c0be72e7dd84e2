#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/cpu/tile_kernels.cc"
#include "ops/cpu/tile_kernels.h"

#include <algorithm>

#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

#include "ops/cpu/math_inl.h"
#include "ops/cpu/simd_inl.h"

HWY_BEFORE_NAMESPACE();
namespace cajal::cpu::HWY_NAMESPACE {
namespace {

/// Rows whose sums fit the registers beside two vectors of columns.
constexpr std::size_t kRows = HWY_TARGET == HWY_AVX3 ? kTileRows : kTileRows / 2;

/// kRows rows, W vectors of columns.
template <std::size_t W>
HWY_INLINE void multiply_part(const TileProduct& product, std::size_t row, std::size_t column) {
  const float* a = product.a + row * product.a_row;
  const float* b = product.b + column;
  float* c = product.c + row * product.c_row + column;
  Vector sums[kRows][W];
  for (std::size_t i = 0; i < kRows; ++i) {
    for (std::size_t j = 0; j < W; ++j) {
      sums[i][j] = product.accumulate ? load(c + i * product.c_row + j * kLanes) : broadcast(0.0F);
    }
  }
  for (std::size_t t = 0; t < product.inner; ++t) {
    Vector columns[W];
    for (std::size_t j = 0; j < W; ++j) {
      columns[j] = load(b + t * product.b_step + j * kLanes);
    }
    for (std::size_t i = 0; i < kRows; ++i) {
      const Vector x = broadcast(a[i * product.a_row + t * product.a_step]);
      for (std::size_t j = 0; j < W; ++j) {
        sums[i][j] = hn::MulAdd(x, columns[j], sums[i][j]);
      }
    }
  }
  for (std::size_t i = 0; i < kRows; ++i) {
    for (std::size_t j = 0; j < W; ++j) {
      store(sums[i][j], c + i * product.c_row + j * kLanes);
    }
  }
}

void multiply_tile(const TileProduct& product) {
  for (std::size_t row = 0; row < kTileRows; row += kRows) {
    std::size_t column = 0;
    for (; column + 2 * kLanes <= product.cols; column += 2 * kLanes) {
      multiply_part<2>(product, row, column);
    }
    for (; column < product.cols; column += kLanes) {
      multiply_part<1>(product, row, column);
    }
  }
}

/// 0 beside the visible keys.
HWY_INLINE void clear_beside(const TilePattern& keys, std::size_t i, float* row) {
  std::fill(row + keys.first, row + keys.begin[i], 0.0F);
  if (keys.end[i] < keys.last) {
    std::fill(row + keys.end[i], row + keys.last, 0.0F);
  }
}

/// Scores of one vector of products, and the slopes of the soft cap.
HWY_INLINE Vector score_of(const SoftmaxTile& tile, std::size_t at) {
  const Vector score = hn::Mul(load(tile.p + at), broadcast(tile.scale));
  if (tile.soft_cap == 0.0F) {
    return score;
  }
  const Vector cap = broadcast(tile.soft_cap);
  const Vector bent = tanh(hn::Div(score, cap));
  if (tile.slopes != nullptr) {
    store(hn::NegMulAdd(bent, bent, broadcast(1.0F)), tile.slopes + at);
  }
  return hn::Mul(cap, bent);
}

/// Rows [row, row + N) of a tile whose vectors start at key `from` for all of them: the vectors of
/// several rows hide each other's latencies. The lanes of a sum are those of attention_kernels.h.
template <std::size_t N>
struct Rows {
  const TilePattern& keys;
  std::size_t row;
  std::size_t from;

  /// Calls body(i, offset, lanes) for every row and every vector that one of the rows sees.
  template <typename Body>
  HWY_INLINE void each(const Body& body) const {
    const std::size_t end = keys.end[row + N - 1];
    std::size_t key = from;
    for (; key + kLanes <= keys.end[row]; key += kLanes) {
      for (std::size_t i = 0; i < N; ++i) {
        body(i, (row + i) * keys.stride + key, hn::FirstN(Floats(), kLanes));
      }
    }
    for (; key < end; key += kLanes) {
      for (std::size_t i = 0; i < N; ++i) {
        const std::size_t own = keys.end[row + i];
        body(i, (row + i) * keys.stride + key,
             hn::FirstN(Floats(), own <= key ? 0 : std::min(kLanes, own - key)));
      }
    }
  }
};

template <std::size_t N>
HWY_INLINE void softmax_rows(const SoftmaxTile& tile, const Rows<N>& rows, float* taken) {
  const Vector lowest = broadcast(tile.sink != nullptr ? *tile.sink : hwy::LowestValue<float>());
  Vector largest[N];
  Vector sums[N];
  for (std::size_t i = 0; i < N; ++i) {
    largest[i] = lowest;
    sums[i] = broadcast(0.0F);
  }
  rows.each([&](std::size_t i, std::size_t at, auto visible) {
    Vector scores = score_of(tile, at);
    if (tile.hide != nullptr) {
      scores = hn::Add(scores, load(tile.hide + at));
    }
    store(scores, tile.p + at);
    largest[i] = hn::Max(largest[i], hn::IfThenElse(visible, scores, lowest));
  });
  for (std::size_t i = 0; i < N; ++i) {
    largest[i] = hn::MaxOfLanes(Floats(), largest[i]);
  }
  rows.each([&](std::size_t i, std::size_t at, auto visible) {
    const Vector grown = exp(hn::Sub(load(tile.p + at), largest[i]));
    const Vector seen = hn::IfThenElseZero(visible, grown);
    store(seen, tile.p + at);
    sums[i] = hn::Add(sums[i], seen);
  });
  Vector factors[N];
  for (std::size_t i = 0; i < N; ++i) {
    const float share =
        tile.sink == nullptr ? 0.0F : hn::GetLane(exp(hn::Sub(broadcast(*tile.sink), largest[i])));
    const float factor = 1.0F / (sum(sums[i]) + share);
    factors[i] = broadcast(factor);
    taken[rows.row + i] = share * factor;
  }
  rows.each([&](std::size_t i, std::size_t at, auto) {
    store(hn::Mul(load(tile.p + at), factors[i]), tile.p + at);
  });
  for (std::size_t i = 0; i < N; ++i) {
    clear_beside(rows.keys, rows.row + i, tile.p + (rows.row + i) * rows.keys.stride);
  }
}

template <std::size_t N>
HWY_INLINE void score_gradient_rows(const ScoreGradientTile& tile, const Rows<N>& rows,
                                    float* along) {
  Vector sums[N];
  for (std::size_t i = 0; i < N; ++i) {
    sums[i] = broadcast(0.0F);
  }
  rows.each([&](std::size_t i, std::size_t at, auto visible) {
    const Vector term = hn::Mul(load(tile.p + at), load(tile.dp + at));
    sums[i] = hn::Add(sums[i], hn::IfThenElseZero(visible, term));
  });
  for (std::size_t i = 0; i < N; ++i) {
    along[rows.row + i] = sum(sums[i]);
    sums[i] = broadcast(along[rows.row + i]);
  }
  rows.each([&](std::size_t i, std::size_t at, auto) {
    const Vector centred = hn::Sub(load(tile.dp + at), sums[i]);
    Vector gradient = hn::Mul(hn::Mul(load(tile.p + at), centred), broadcast(tile.scale));
    if (tile.slopes != nullptr) {
      gradient = hn::Mul(gradient, load(tile.slopes + at));
    }
    store(gradient, tile.dp + at);
  });
  for (std::size_t i = 0; i < N; ++i) {
    clear_beside(rows.keys, rows.row + i, tile.dp + (rows.row + i) * rows.keys.stride);
  }
}

/// Calls use(rows) for all rows of a tile: together where they start at the same key.
template <typename Use>
HWY_INLINE void with_rows(const TilePattern& keys, const Use& use) {
  if (keys.begin[0] == keys.begin[kTileRows - 1]) {
    for (std::size_t row = 0; row < kTileRows; row += kRows) {
      use(Rows<kRows>{keys, row, keys.begin[0]});
    }
  } else {
    for (std::size_t row = 0; row < kTileRows; ++row) {
      use(Rows<1>{keys, row, keys.begin[row]});
    }
  }
}

void softmax_tile(const SoftmaxTile& tile, float* taken) {
  with_rows(tile.keys, [&](const auto& rows) { softmax_rows(tile, rows, taken); });
}

void score_gradient_tile(const ScoreGradientTile& tile, float* along) {
  with_rows(tile.keys, [&](const auto& rows) { score_gradient_rows(tile, rows, along); });
}

}  // namespace
}  // namespace cajal::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cajal::cpu {

HWY_EXPORT(multiply_tile);
HWY_EXPORT(softmax_tile);
HWY_EXPORT(score_gradient_tile);

void multiply_tile(const TileProduct& product) {
  HWY_DYNAMIC_DISPATCH(multiply_tile)(product);
}

void softmax_tile(const SoftmaxTile& tile, float* taken) {
  HWY_DYNAMIC_DISPATCH(softmax_tile)(tile, taken);
}

void score_gradient_tile(const ScoreGradientTile& tile, float* along) {
  HWY_DYNAMIC_DISPATCH(score_gradient_tile)(tile, along);
}

}  // namespace cajal::cpu
#endif
