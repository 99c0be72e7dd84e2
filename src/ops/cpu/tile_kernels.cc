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
HWY_INLINE void clear_beside(const PatternRow& keys, float* row) {
  std::fill(row + keys.first, row + keys.begin, 0.0F);
  if (keys.end < keys.last) {
    std::fill(row + keys.end, row + keys.last, 0.0F);
  }
}

/// Scores of one vector of products, and the slopes of the soft cap.
HWY_INLINE Vector score_of(const SoftmaxRow& row, std::size_t i) {
  const Vector score = hn::Mul(load(row.p + i), broadcast(row.scale));
  if (row.soft_cap == 0.0F) {
    return score;
  }
  const Vector cap = broadcast(row.soft_cap);
  const Vector bent = tanh(hn::Div(score, cap));
  if (row.slopes != nullptr) {
    store(hn::NegMulAdd(bent, bent, broadcast(1.0F)), row.slopes + i);
  }
  return hn::Mul(cap, bent);
}

/// The lanes of the vector at key i that are visible.
HWY_INLINE auto visible_lanes(const PatternRow& keys, std::size_t i) {
  return hn::FirstN(Floats(), std::min(kLanes, keys.end - i));
}

float softmax_row(const SoftmaxRow& row) {
  const PatternRow& keys = row.keys;
  const Vector lowest = broadcast(row.sink != nullptr ? *row.sink : hwy::LowestValue<float>());
  Vector most = lowest;
  for (std::size_t i = keys.begin; i < keys.end; i += kLanes) {
    const Vector scores = score_of(row, i);
    store(scores, row.p + i);
    most = hn::Max(most, hn::IfThenElse(visible_lanes(keys, i), scores, lowest));
  }
  const Vector largest = hn::MaxOfLanes(Floats(), most);
  Vector sums = broadcast(0.0F);
  for (std::size_t i = keys.begin; i < keys.end; i += kLanes) {
    const Vector grown = exp(hn::Sub(load(row.p + i), largest));
    const Vector visible = hn::IfThenElseZero(visible_lanes(keys, i), grown);
    store(visible, row.p + i);
    sums = hn::Add(sums, visible);
  }
  float total = sum(sums);
  float taken = 0.0F;
  if (row.sink != nullptr) {
    taken = hn::GetLane(exp(hn::Sub(broadcast(*row.sink), largest)));
    total += taken;
  }
  const float factor = 1.0F / total;
  for (std::size_t i = keys.begin; i < keys.end; i += kLanes) {
    store(hn::Mul(load(row.p + i), broadcast(factor)), row.p + i);
  }
  clear_beside(keys, row.p);
  return taken * factor;
}

float score_gradient_row(const ScoreGradientRow& row) {
  const PatternRow& keys = row.keys;
  Vector sums = broadcast(0.0F);
  for (std::size_t i = keys.begin; i < keys.end; i += kLanes) {
    const Vector term = hn::Mul(load(row.p + i), load(row.dp + i));
    sums = hn::Add(sums, hn::IfThenElseZero(visible_lanes(keys, i), term));
  }
  const float along = sum(sums);
  for (std::size_t i = keys.begin; i < keys.end; i += kLanes) {
    const Vector centred = hn::Sub(load(row.dp + i), broadcast(along));
    Vector gradient = hn::Mul(hn::Mul(load(row.p + i), centred), broadcast(row.scale));
    if (row.slopes != nullptr) {
      gradient = hn::Mul(gradient, load(row.slopes + i));
    }
    store(gradient, row.dp + i);
  }
  clear_beside(keys, row.dp);
  return along;
}

}  // namespace
}  // namespace cajal::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cajal::cpu {

HWY_EXPORT(multiply_tile);
HWY_EXPORT(softmax_row);
HWY_EXPORT(score_gradient_row);

void multiply_tile(const TileProduct& product) {
  HWY_DYNAMIC_DISPATCH(multiply_tile)(product);
}

float softmax_row(const SoftmaxRow& row) {
  return HWY_DYNAMIC_DISPATCH(softmax_row)(row);
}

float score_gradient_row(const ScoreGradientRow& row) {
  return HWY_DYNAMIC_DISPATCH(score_gradient_row)(row);
}

}  // namespace cajal::cpu
#endif
