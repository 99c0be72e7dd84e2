#include "tensor/transpose.h"

#include <algorithm>

namespace cajal {
namespace {

constexpr std::size_t kTile = 64;  // rows and columns of which both sides stay in cache

/// The transpose of the tile of `from` that begins at [r0, c0], in its place in `to`.
void turn_tile(ConstMatRef from, std::size_t r0, std::size_t c0, MatRef to) {
  const std::size_t size = size_of(from.dtype);
  for (std::size_t r = r0; r < std::min(r0 + kTile, from.rows); ++r) {
    for (std::size_t c = c0; c < std::min(c0 + kTile, from.cols); ++c) {
      std::copy_n(from.data + (r * from.stride + c) * size, size,
                  to.data + (c * to.stride + r) * size);
    }
  }
}

}  // namespace

Matrix transposed(ConstMatRef from) {
  Matrix out = Matrix::host(from.cols, from.rows, from.dtype);
  for (std::size_t r = 0; r < from.rows; r += kTile) {
    for (std::size_t c = 0; c < from.cols; c += kTile) {
      turn_tile(from, r, c, out.ref());
    }
  }
  return out;
}

}  // namespace cajal
