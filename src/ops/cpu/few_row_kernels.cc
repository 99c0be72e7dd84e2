#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/cpu/few_row_kernels.cc"
#include "ops/cpu/few_row_kernels.h"

#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

#include "ops/cpu/simd_inl.h"

HWY_BEFORE_NAMESPACE();
namespace cajal::cpu::HWY_NAMESPACE {
namespace {

/// How far ahead of its use memory is asked for, in each row: with four rows, what arrives in the
/// time that a cache line takes to come.
constexpr std::size_t kAheadBytes = 1024;

/// The rows r, r + apart, .. r + (R - 1) * apart of `weights`, which may lie after its last one.
template <std::size_t R, typename T>
MatrixView<const T> rows_apart(MatrixView<const T> weights, std::size_t r, std::size_t apart) {
  return {weights.row(r).data(), R, weights.cols, apart * weights.stride};
}

/// R rows of weights times M rows of activations: R * M sums side by side, so that each vector
/// that is loaded is used several times and additions do not wait for each other. The result of
/// row r of the weights goes to column r * `apart` of `out`; `next_row` elements after each of
/// these rows lies the one that is read next.
template <std::size_t R, std::size_t M, typename T>
void dot_tile(MatrixView<const float> a, MatrixView<const T> weights, std::size_t next_row,
              std::size_t apart, MatrixView<float> out) {
  const std::size_t k = a.cols;
  Vector sums[R][M];
  for (std::size_t r = 0; r < R; ++r) {
    for (std::size_t i = 0; i < M; ++i) {
      sums[r][i] = broadcast(0.0F);
    }
  }
  const auto add = [&](const auto& load_a, const auto& load_w) {
    Vector x[M];
    for (std::size_t i = 0; i < M; ++i) {
      x[i] = load_a(a.data + i * a.stride);
    }
    for (std::size_t r = 0; r < R; ++r) {
      const Vector w = load_w(weights.data + r * weights.stride);
      for (std::size_t i = 0; i < M; ++i) {
        sums[r][i] = hn::MulAdd(w, x[i], sums[r][i]);
      }
    }
  };
  constexpr std::size_t kLine = 64 / sizeof(T);
  constexpr std::size_t kStep = 2 * kLine;  // measured: one at a time leaves a tenth of memory idle
  constexpr std::size_t kAhead = kAheadBytes / sizeof(T);
  std::size_t c = 0;
  for (; c + kStep <= k; c += kStep) {
    const std::size_t next = c + kAhead < k ? c + kAhead : c + kAhead - k + next_row;
    for (std::size_t r = 0; r < R; ++r) {
      hwy::Prefetch(weights.data + r * weights.stride + next);
      hwy::Prefetch(weights.data + r * weights.stride + next + kLine);
    }
    for (std::size_t part = c; part < c + kStep; part += kLanes) {
      const auto at = [part](const auto* p) { return load(p + part); };
      add(at, at);
    }
  }
  for (; c + kLanes <= k; c += kLanes) {
    const auto at = [c](const auto* p) { return load(p + c); };
    add(at, at);
  }
  if (c < k) {
    const auto rest = [c, k](const auto* p) { return load_some(p + c, k - c); };
    add(rest, rest);
  }
  for (std::size_t r = 0; r < R; ++r) {
    for (std::size_t i = 0; i < M; ++i) {
      out.data[i * out.stride + r * apart] = sum(sums[r][i]);
    }
  }
}

/// R rows of weights times all rows of activations.
template <std::size_t R, typename T>
void dot_block(MatrixView<const float> a, MatrixView<const T> weights, std::size_t next_row,
               std::size_t apart, MatrixView<float> out) {
  std::size_t i = 0;
  for (; i + 4 <= a.rows; i += 4) {
    dot_tile<R, 4>(a.row_range(i, 4), weights, next_row, apart, out.row_range(i, 4));
  }
  if (i + 2 <= a.rows) {
    dot_tile<R, 2>(a.row_range(i, 2), weights, next_row, apart, out.row_range(i, 2));
    i += 2;
  }
  if (i < a.rows) {
    dot_tile<R, 1>(a.row_range(i, 1), weights, next_row, apart, out.row_range(i, 1));
  }
}

template <std::size_t R, typename T>
void dot_streams(MatrixView<const float> a, MatrixView<const T> weights, std::size_t apart,
                 MatrixView<float> out) {
  for (std::size_t r = 0; r < weights.rows; ++r) {
    dot_block<R>(a, rows_apart<R>(weights, r, apart), weights.stride, weights.rows,
                 out.col_range(r, out.cols - r));
  }
}

template <typename T>
void dot_all(MatrixView<const float> a, MatrixView<const T> weights, std::size_t apart,
             MatrixView<float> out) {
  if (apart == 0) {
    dot_streams<1>(a, weights, apart, out);
  } else {
    dot_streams<kStreams>(a, weights, apart, out);
  }
}

/// out += a * weights for R rows of weights, M rows of activations. Row r of the weights belongs to
/// column r * `apart` of `a`; `next_row` elements after each of these rows lies the one that is
/// read next.
template <std::size_t R, std::size_t M, typename T>
void sum_tile(MatrixView<const float> a, std::size_t apart, MatrixView<const T> weights,
              std::size_t next_row, MatrixView<float> out) {
  Vector factors[M][R];
  for (std::size_t i = 0; i < M; ++i) {
    for (std::size_t r = 0; r < R; ++r) {
      factors[i][r] = broadcast(a.data[i * a.stride + r * apart]);
    }
  }
  const auto update = [&](std::size_t c, const auto& load_at, const auto& store_at) {
    Vector w[R];
    for (std::size_t r = 0; r < R; ++r) {
      w[r] = load_at(weights.data + r * weights.stride + c);
    }
    for (std::size_t i = 0; i < M; ++i) {
      Vector sum = load_at(out.data + i * out.stride + c);
      for (std::size_t r = 0; r < R; ++r) {
        sum = hn::MulAdd(factors[i][r], w[r], sum);
      }
      store_at(sum, out.data + i * out.stride + c);
    }
  };
  constexpr std::size_t kLine = 64 / sizeof(T);
  constexpr std::size_t kStep = 2 * kLine;
  constexpr std::size_t kAhead = kAheadBytes / sizeof(T);
  const auto load_all = [](const auto* p) { return load(p); };
  const auto store_all = [](Vector v, float* p) { store(v, p); };
  std::size_t c = 0;
  for (; c + kStep <= out.cols; c += kStep) {
    const std::size_t next = c + kAhead < out.cols ? c + kAhead : c + kAhead - out.cols + next_row;
    for (std::size_t r = 0; r < R; ++r) {
      hwy::Prefetch(weights.data + r * weights.stride + next);
      hwy::Prefetch(weights.data + r * weights.stride + next + kLine);
    }
    for (std::size_t part = c; part < c + kStep; part += kLanes) {
      update(part, load_all, store_all);
    }
  }
  for (; c + kLanes <= out.cols; c += kLanes) {
    update(c, load_all, store_all);
  }
  if (c < out.cols) {
    const std::size_t rest = out.cols - c;
    update(
        c, [rest](const auto* p) { return load_some(p, rest); },
        [rest](Vector v, float* p) { store_some(v, p, rest); });
  }
}

/// R rows of weights times all rows of activations.
template <std::size_t R, typename T>
void sum_block(MatrixView<const float> a, std::size_t apart, MatrixView<const T> weights,
               std::size_t next_row, MatrixView<float> out) {
  std::size_t i = 0;
  for (; i + 4 <= a.rows; i += 4) {
    sum_tile<R, 4>(a.row_range(i, 4), apart, weights, next_row, out.row_range(i, 4));
  }
  for (; i < a.rows; ++i) {
    sum_tile<R, 1>(a.row_range(i, 1), apart, weights, next_row, out.row_range(i, 1));
  }
}

template <std::size_t R, typename T>
void sum_streams(MatrixView<const float> a, MatrixView<const T> weights, std::size_t apart,
                 MatrixView<float> out) {
  for (std::size_t r = 0; r < weights.rows; ++r) {
    sum_block<R>(a.col_range(r, a.cols - r), apart, rows_apart<R>(weights, r, apart),
                 weights.stride, out);
  }
}

template <typename T>
void sum_all(MatrixView<const float> a, MatrixView<const T> weights, std::size_t apart,
             MatrixView<float> out) {
  for (std::size_t i = 0; i < out.rows; ++i) {
    std::memset(out.data + i * out.stride, 0, out.cols * sizeof(float));
  }
  if (apart == 0) {
    sum_streams<1>(a, weights, apart, out);
  } else {
    sum_streams<kStreams>(a, weights, apart, out);
  }
}

void dot_f32(MatrixView<const float> a, MatrixView<const float> weights, std::size_t apart,
             MatrixView<float> out) {
  dot_all(a, weights, apart, out);
}
void dot_bf16(MatrixView<const float> a, MatrixView<const BFloat16> weights, std::size_t apart,
              MatrixView<float> out) {
  dot_all(a, weights, apart, out);
}
void dot_f16(MatrixView<const float> a, MatrixView<const Float16> weights, std::size_t apart,
             MatrixView<float> out) {
  dot_all(a, weights, apart, out);
}
void sum_f32(MatrixView<const float> a, MatrixView<const float> weights, std::size_t apart,
             MatrixView<float> out) {
  sum_all(a, weights, apart, out);
}
void sum_bf16(MatrixView<const float> a, MatrixView<const BFloat16> weights, std::size_t apart,
              MatrixView<float> out) {
  sum_all(a, weights, apart, out);
}
void sum_f16(MatrixView<const float> a, MatrixView<const Float16> weights, std::size_t apart,
             MatrixView<float> out) {
  sum_all(a, weights, apart, out);
}

}  // namespace
}  // namespace cajal::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cajal::cpu {

HWY_EXPORT(dot_f32);
HWY_EXPORT(dot_bf16);
HWY_EXPORT(dot_f16);
HWY_EXPORT(sum_f32);
HWY_EXPORT(sum_bf16);
HWY_EXPORT(sum_f16);

void dot_rows(ConstMatRef a, ConstMatRef weights, std::size_t apart, MatRef out) {
  const auto x = a.as<const float>();
  const auto y = out.as<float>();
  if (weights.dtype == DType::BF16) {
    HWY_DYNAMIC_DISPATCH(dot_bf16)(x, weights.as<const BFloat16>(), apart, y);
  } else if (weights.dtype == DType::F16) {
    HWY_DYNAMIC_DISPATCH(dot_f16)(x, weights.as<const Float16>(), apart, y);
  } else {
    HWY_DYNAMIC_DISPATCH(dot_f32)(x, weights.as<const float>(), apart, y);
  }
}

void sum_rows(ConstMatRef a, ConstMatRef weights, std::size_t apart, MatRef out) {
  const auto x = a.as<const float>();
  const auto y = out.as<float>();
  if (weights.dtype == DType::BF16) {
    HWY_DYNAMIC_DISPATCH(sum_bf16)(x, weights.as<const BFloat16>(), apart, y);
  } else if (weights.dtype == DType::F16) {
    HWY_DYNAMIC_DISPATCH(sum_f16)(x, weights.as<const Float16>(), apart, y);
  } else {
    HWY_DYNAMIC_DISPATCH(sum_f32)(x, weights.as<const float>(), apart, y);
  }
}

}  // namespace cajal::cpu
#endif
