#include "trace/biases.h"

#include <cmath>
#include <vector>

namespace cajal {

Matrix bias_row(ConstMatRef bias, DType dtype, double factor) {
  if (!bias) {
    return {};
  }
  Matrix out = Matrix::host(1, bias.cols, DType::F64);
  convert(bias.row_range(0, 1), out.ref());
  for (double& x : out.as<double>().row(0)) {
    x *= factor;
  }
  Matrix typed = Matrix::host(1, bias.cols, dtype);
  convert(out.ref(), typed.ref());
  return typed;
}

Matrix value_biases(const ModelConfig& config, const LayerWeights& w, DType dtype) {
  if (!w.qkv_per_head) {
    return bias_row(w.v.bias, dtype, 1.0);
  }
  if (!w.qkv_per_head.bias) {
    return {};
  }
  Matrix all = Matrix::host(1, w.qkv_per_head.bias.cols, dtype);
  convert(w.qkv_per_head.bias, all.ref());
  Matrix out = Matrix::host(1, config.kv_width(), dtype);
  const std::size_t d = config.d_head;
  for (std::size_t h = 0; h < config.kv_heads; ++h) {
    convert(all.ref().col_range(h * 3 * d + 2 * d, d), out.ref().col_range(h * d, d));
  }
  return out;
}

Matrix clipped_values(const ModelConfig& config, const LayerWeights& weights, ConstMatRef clean,
                      DType dtype) {
  Matrix out = Matrix::host(clean.rows, clean.cols, dtype);
  const Matrix bias = value_biases(config, weights, DType::F64);
  std::vector<double> row(clean.cols);
  for (std::size_t r = 0; r < clean.rows; ++r) {
    for (std::size_t c = 0; c < clean.cols; ++c) {
      const double x = element(clean, r, c);
      const double free = bias.empty() ? 0.0 : element(bias.ref(), 0, c);
      row[c] = std::abs(x) >= config.clip_qkv ? x : free;
    }
    const ConstMatRef from = {reinterpret_cast<const std::byte*>(row.data()), 1, row.size(),
                              row.size(), DType::F64};
    convert(from, out.ref().row_range(r, 1));
  }
  return out;
}

}  // namespace cajal
