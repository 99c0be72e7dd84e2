// Small work on matrices in host memory.
#pragma once

#include "tensor/matrix.h"

namespace cajal {

/// A copy in host memory of the same type.
Matrix host_copy(ConstMatRef value);

/// Zeros in host memory.
Matrix host_zeros(std::size_t rows, std::size_t cols, DType dtype);

/// One element of F32 or F64 in host memory.
void set_element(MatRef m, std::size_t r, std::size_t c, double value);

}  // namespace cajal
