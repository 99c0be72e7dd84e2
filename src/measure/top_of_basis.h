// Baselines without learning: of each row, the k largest coordinates around the mean, in the basis
// of principal components (PCA), in that of the point itself, or among the neurons of an MLP.
#pragma once

#include <optional>
#include <vector>

#include "measure/splice.h"
#include "measure/symmetric_eigen.h"
#include "tensor/sparse_rows.h"

namespace cajal {

/// Covariance by columns, summed over batches in double. Not for two threads at once.
class Covariance {
 public:
  /// `rows` [rows, d] of F32 or F64, as many columns as before.
  void add(Backend& backend, ConstMatRef rows);
  std::size_t rows() const noexcept { return rows_; }
  const std::vector<double>& mean() const noexcept { return mean_; }
  /// Principal components: row i of `vectors` is the i-th, of unit length.
  SymmetricEigen components() const;

 private:
  std::size_t rows_ = 0;
  std::vector<double> shift_;  // mean of the first batch
  std::vector<double> mean_;
  std::vector<double> sums_;      // of row - shift
  std::vector<double> products_;  // [d, d] of (row - shift)^T (row - shift)
};

/// What stays of a row where only some of its coordinates are kept.
struct Basis {
  std::vector<double> mean;       // [d]
  std::optional<Matrix> vectors;  // [d, d] of F64, orthonormal rows; absent: the columns themselves
  std::vector<double> weights;    // [d] a coordinate counts that many times; empty: all once
  std::size_t k = 1;              // coordinates kept
};

/// `rows` [rows, d] become mean + their k largest coordinates, and which those were.
SparseRows keep_largest(Backend& backend, const Basis& basis, MatRef rows);

/// keep_largest at each site's output, whatever its input is. `bases` must outlive it.
class TopOfBasis : public Replacement {
 public:
  TopOfBasis(Backend& backend, std::span<const Basis> bases) : backend_(backend), bases_(bases) {}
  void replace(std::size_t site, ConstMatRef input, MatRef output) override;

 private:
  Backend& backend_;
  std::span<const Basis> bases_;
};

}  // namespace cajal
