// Eigenvalues and eigenvectors of a symmetric matrix, in double: Householder's reduction to three
// diagonals, then QL steps with implicit shifts (Golub and Van Loan, "Matrix Computations", 8.3).
#pragma once

#include <vector>

#include "tensor/matrix.h"

namespace cajal {

struct SymmetricEigen {
  std::vector<double> values;  // [n], largest first
  Matrix vectors;              // [n, n] of F64; row i belongs to values[i] and has length 1
};

/// `a` [n, n] of F64, of which the lower triangle is read. About 9 n^3 operations, in one thread.
/// Throws CorruptData if it does not converge, which NaN does not.
SymmetricEigen symmetric_eigen(MatrixView<const double> a);

}  // namespace cajal
