// Some rows of a matrix side by side, and back.
#pragma once

#include <span>

#include "tensor/matrix.h"

namespace cajal {

/// [rows.size(), cols] of the same type on the host: those rows of `from`.
Matrix gathered(ConstMatRef from, std::span<const std::size_t> rows);
/// The other way: row i of `from` becomes row rows[i] of `to`. Throws InvalidArgument if types or
/// shapes differ.
void scatter(ConstMatRef from, std::span<const std::size_t> rows, MatRef to);

}  // namespace cajal
