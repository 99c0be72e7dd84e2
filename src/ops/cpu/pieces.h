// Rows of f32 or bf16 matrices in pieces that stay in the first cache, as f32, in parallel.
#pragma once

#include <algorithm>
#include <array>

#include "base/parallel.h"
#include "ops/cpu/convert.h"
#include "tensor/matrix.h"

namespace cajal::cpu {

inline constexpr std::size_t kChunk = 16384;    // elements: below, a second thread costs more than
                                                // it gives
inline constexpr std::size_t kPiece = 512;      // elements converted at a time
inline constexpr std::size_t kColumnUnit = 64;  // columns that oneDNN's kernels take at once

/// Calls body(row, begin, count) for pieces of at most kChunk columns of every row, in parallel.
template <typename Body>
void for_pieces(std::size_t rows, std::size_t cols, const Body& body) {
  const std::size_t pieces = (cols + kChunk - 1) / kChunk;
  const std::size_t grain = cols == 0 ? 1 : std::max<std::size_t>(1, kChunk / cols);
  parallel_for(rows * pieces, grain, [&](std::size_t first, std::size_t last) {
    for (std::size_t i = first; i < last; ++i) {
      const std::size_t begin = i % pieces * kChunk;
      body(i / pieces, begin, std::min(kChunk, cols - begin));
    }
  });
}

/// Where element (row, col) is.
inline const std::byte* place(ConstMatRef m, std::size_t row, std::size_t col) {
  return m.data + (row * m.stride + col) * size_of(m.dtype);
}
inline std::byte* place(MatRef m, std::size_t row, std::size_t col) {
  return m.data + (row * m.stride + col) * size_of(m.dtype);
}

/// `count` elements from (row, col) on as f32: where they are, or widened into `buffer`.
inline const float* widen_piece(ConstMatRef m, std::size_t row, std::size_t col, std::size_t count,
                                float* buffer) {
  if (m.dtype == DType::F32) {
    return reinterpret_cast<const float*>(place(m, row, col));
  }
  to_floats(m.dtype, place(m, row, col), count, buffer);
  return buffer;
}

/// Calls f(inputs, count, outputs) on f32 pieces of matrices of the same shape, stored as F32 or
/// BF16; outputs that are BF16 are then rounded. An output may be one of the inputs.
template <std::size_t N, std::size_t M, typename F>
void map_pieces(const std::array<ConstMatRef, N>& in, const std::array<MatRef, M>& out,
                const F& f) {
  for_pieces(in[0].rows, in[0].cols, [&](std::size_t row, std::size_t first, std::size_t size) {
    std::array<std::array<float, kPiece>, N> widened;
    std::array<std::array<float, kPiece>, M> results;
    std::array<const float*, N> x;
    std::array<float*, M> y;
    for (std::size_t begin = first; begin < first + size; begin += kPiece) {
      const std::size_t count = std::min(kPiece, first + size - begin);
      for (std::size_t i = 0; i < N; ++i) {
        x[i] = widen_piece(in[i], row, begin, count, widened[i].data());
      }
      for (std::size_t i = 0; i < M; ++i) {
        y[i] = out[i].dtype == DType::F32 ? reinterpret_cast<float*>(place(out[i], row, begin))
                                          : results[i].data();
      }
      f(x, count, y);
      for (std::size_t i = 0; i < M; ++i) {
        if (out[i].dtype == DType::BF16) {
          round_to_bf16(y[i], count, reinterpret_cast<BFloat16*>(place(out[i], row, begin)));
        }
      }
    }
  });
}

}  // namespace cajal::cpu
