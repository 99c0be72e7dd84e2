#include "dictionary/decoder_cosine.h"

#include <algorithm>
#include <cmath>

#include "base/parallel.h"

namespace cajal {
namespace {

constexpr std::size_t kBlock = 512;  // features at a time: [block, features] products

/// Decoder rows of length 1 (or 0), of the backend's type.
Matrix unit_rows(Backend& backend, ConstMatRef w) {
  Matrix out = make_matrix(backend, w.rows, w.cols);
  parallel_for(w.rows, 64, [&](std::size_t begin, std::size_t end) {
    Matrix row = Matrix::host(1, w.cols, DType::F64);
    for (std::size_t r = begin; r < end; ++r) {
      convert(w.row_range(r, 1), row.ref());
      double squares = 0.0;
      for (const double x : row.as<double>().row(0)) {
        squares += x * x;
      }
      for (double& x : row.as<double>().row(0)) {
        x = squares == 0.0 ? 0.0 : x / std::sqrt(squares);
      }
      convert(row.ref(), out.ref().row_range(r, 1));
    }
  });
  return out;
}

std::vector<NearFeature> nearest_of(ConstMatRef cosines, std::size_t row, std::size_t self,
                                    std::size_t top) {
  std::vector<NearFeature> out;
  const auto nearer = [](const NearFeature& a, const NearFeature& b) {
    return a.cosine != b.cosine ? a.cosine > b.cosine : a.feature < b.feature;
  };
  for (std::size_t f = 0; f < cosines.cols; ++f) {
    const NearFeature next{static_cast<std::uint32_t>(f),
                           static_cast<float>(element(cosines, row, f))};
    if (f == self || (out.size() == top && !nearer(next, out.back()))) {
      continue;
    }
    out.insert(std::upper_bound(out.begin(), out.end(), next, nearer), next);
    out.resize(std::min(out.size(), top));
  }
  return out;
}

void largest_of(ConstMatRef cosines, std::size_t row, std::size_t self, DecoderCosines& out) {
  double largest = cosines.cols < 2 ? 0.0 : -1.0;
  double absolute = 0.0;
  for (std::size_t f = 0; f < cosines.cols; ++f) {
    if (f != self) {
      const double cosine = element(cosines, row, f);
      largest = std::max(largest, cosine);
      absolute = std::max(absolute, std::abs(cosine));
    }
  }
  out.largest[self] = largest;
  out.absolute[self] = absolute;
}

}  // namespace

DecoderCosines decoder_cosines(Backend& backend, const Dictionary& dictionary, std::size_t index,
                               std::size_t top) {
  const ConstMatRef w = dictionary.layers()[index].w_dec;
  DecoderCosines out{.largest = std::vector<double>(w.rows),
                     .absolute = std::vector<double>(w.rows),
                     .nearest = std::vector<std::vector<NearFeature>>(w.rows)};
  const Matrix unit = unit_rows(backend, w);
  for (std::size_t begin = 0; begin < w.rows; begin += kBlock) {
    const std::size_t count = std::min(kBlock, w.rows - begin);
    Matrix cosines = make_matrix(backend, count, w.rows);
    ops::gemm(backend, {.a = unit.ref().row_range(begin, count),
                        .b = unit.ref(),
                        .out = cosines.ref(),
                        .transpose_b = Transpose::Yes});
    backend.synchronize();
    parallel_for(count, 8, [&](std::size_t first, std::size_t last) {
      for (std::size_t r = first; r < last; ++r) {
        largest_of(cosines.ref(), r, begin + r, out);
        if (top != 0) {
          out.nearest[begin + r] = nearest_of(cosines.ref(), r, begin + r, top);
        }
      }
    });
  }
  return out;
}

}  // namespace cajal
