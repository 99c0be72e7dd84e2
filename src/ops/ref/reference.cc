#include "ops/ref/reference.h"

namespace cajal {

std::unique_ptr<Backend> make_reference_backend() {
  return std::make_unique<ReferenceBackend>();
}

void ReferenceBackend::copy(ConstMatRef from, MatRef to) {
  check(from.dtype == to.dtype, "copy: {} into {}", name_of(from.dtype), name_of(to.dtype));
  check(from.device == Device::Cpu && to.device == Device::Cpu,
        "copy: the backend 'ref' reaches host memory only");
  convert(from, to);
}

void widen_row(ConstMatRef m, std::size_t r, std::span<double> out) {
  convert(m.row_range(r, 1),
          {reinterpret_cast<std::byte*>(out.data()), 1, out.size(), out.size(), DType::F64});
}

std::vector<double> widened_row(ConstMatRef m, std::size_t r) {
  std::vector<double> row(m.cols);
  widen_row(m, r, row);
  return row;
}

}  // namespace cajal
