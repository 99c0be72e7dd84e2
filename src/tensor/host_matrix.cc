#include "tensor/host_matrix.h"

#include <cstring>

namespace cajal {

Matrix host_copy(ConstMatRef value) {
  Matrix out = Matrix::host(value.rows, value.cols, value.dtype);
  convert(value, out.ref());
  return out;
}

Matrix host_zeros(std::size_t rows, std::size_t cols, DType dtype) {
  Matrix out = Matrix::host(rows, cols, dtype);
  std::memset(out.ref().data, 0, rows * cols * size_of(dtype));
  return out;
}

void set_element(MatRef m, std::size_t r, std::size_t c, double value) {
  if (m.dtype == DType::F64) {
    m.as<double>().at(r, c) = value;
  } else {
    m.as<float>().at(r, c) = static_cast<float>(value);
  }
}

}  // namespace cajal
