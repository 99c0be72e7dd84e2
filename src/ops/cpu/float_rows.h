// Small parameters (gains, biases, tables) of any float type as f32.
#pragma once

#include <vector>

#include "ops/cpu/convert.h"
#include "tensor/matrix.h"

namespace cajal::cpu {

/// Rows of `m`, a matrix of any float type, as f32: `m` itself where it is f32 already.
class FloatRows {
 public:
  explicit FloatRows(ConstMatRef m) {
    if (m && m.dtype == DType::F32) {
      view_ = m.as<const float>();
    } else if (m) {
      floats_.resize(m.rows * m.cols);
      for (std::size_t r = 0; r < m.rows; ++r) {
        to_floats(m.dtype, m.data + r * m.stride * size_of(m.dtype), m.cols,
                  floats_.data() + r * m.cols);
      }
      view_ = {floats_.data(), m.rows, m.cols, m.cols};
    }
  }
  /// Row r, or r % rows; nullptr if absent.
  const float* row(std::size_t r) const {
    return view_.data == nullptr ? nullptr : view_.data + r % view_.rows * view_.stride;
  }

 private:
  std::vector<float> floats_;
  MatrixView<const float> view_;
};

/// The gain with its offset added, as a matrix that `storage` holds if there is an offset.
inline ConstMatRef offset_gain(ConstMatRef stored, double offset, Matrix& storage) {
  if (!stored || offset == 0.0) {
    return stored;
  }
  storage = Matrix::host(stored.rows, stored.cols, DType::F32);
  convert(stored, storage.ref());
  const auto gain = storage.as<float>();
  for (std::size_t i = 0; i < gain.rows * gain.cols; ++i) {
    gain.data[i] += static_cast<float>(offset);
  }
  return storage.ref();
}

}  // namespace cajal::cpu
