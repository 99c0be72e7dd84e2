#include "ops/backend.h"

#include <limits>

#include "ops/checks.h"

namespace cajal {

Matrix make_matrix(Backend& backend, std::size_t rows, std::size_t cols) {
  const DType dtype = backend.activation_dtype();
  const std::size_t limit = std::numeric_limits<std::size_t>::max() / 16;
  if (cols != 0 && rows > limit / cols) {
    fail(ErrorCode::ResourceExhausted, "no memory for a matrix of {} x {}", rows, cols);
  }
  return {backend.allocate(rows * cols * size_of(dtype)), rows, cols, dtype, backend.device()};
}

namespace ops {

void check_matrix(const Backend& backend, ConstMatRef m, std::string_view what) {
  check(m.data != nullptr || m.rows == 0 || m.cols == 0, "{} is absent", what);
  check(m.device == backend.device(), "{} lives on another device than the backend '{}'", what,
        backend.name());
  check(m.stride >= m.cols, "{}: {} columns in a stride of {}", what, m.cols, m.stride);
}

void check_activations(const Backend& backend, ConstMatRef m, std::string_view what) {
  check_matrix(backend, m, what);
  check(m.dtype == backend.activation_dtype(), "{} holds {}; the backend '{}' computes on {}", what,
        name_of(m.dtype), backend.name(), name_of(backend.activation_dtype()));
}

void check_stored(const Backend& backend, ConstMatRef m, std::string_view what) {
  if (m.dtype == DType::BF16 && backend.activation_dtype() == DType::F32) {
    check_matrix(backend, m, what);
  } else {
    check_activations(backend, m, what);
  }
}

void check_bf16(const Backend& backend, ConstMatRef m, std::string_view what) {
  check_matrix(backend, m, what);
  check(m.dtype == DType::BF16, "{} holds {}, not {}", what, name_of(m.dtype),
        name_of(DType::BF16));
}

void check_floats(const Backend& backend, ConstMatRef m, std::string_view what) {
  check_matrix(backend, m, what);
  check(is_float(m.dtype), "{} holds {}, which is not a float type", what, name_of(m.dtype));
}

void check_shape(ConstMatRef m, std::size_t rows, std::size_t cols, std::string_view what) {
  check(m.rows == rows && m.cols == cols, "{} is [{}, {}]; expected [{}, {}]", what, m.rows, m.cols,
        rows, cols);
}

}  // namespace ops
}  // namespace cajal
