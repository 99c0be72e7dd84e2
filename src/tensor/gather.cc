#include "tensor/gather.h"

#include <cstring>

namespace cajal {
namespace {

void copy_row(ConstMatRef from, std::size_t r, MatRef to, std::size_t at) {
  std::memcpy(to.row_range(at, 1).data, from.row_range(r, 1).data, from.cols * size_of(from.dtype));
}

}  // namespace

Matrix gathered(ConstMatRef from, std::span<const std::size_t> rows) {
  Matrix out = Matrix::host(rows.size(), from.cols, from.dtype);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    copy_row(from, rows[i], out.ref(), i);
  }
  return out;
}

void scatter(ConstMatRef from, std::span<const std::size_t> rows, MatRef to) {
  check(from.rows == rows.size() && from.cols == to.cols && from.dtype == to.dtype,
        "rows of {} x {} for {} places of {} columns", from.rows, from.cols, rows.size(), to.cols);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    copy_row(from, i, to, rows[i]);
  }
}

}  // namespace cajal
