// Linear discriminant analysis (Fisher 1936; Hastie, Tibshirani, Friedman, "The Elements of
// Statistical Learning", 4.3): the linear classifier that is best for classes of normal
// distributions with one covariance.
//
// In closed form, so nothing depends on steps or a start. Regression of one-hot labels would hide
// classes that lie between others, as the sizes of sums do. The covariance is shrunk towards a
// multiple of the identity as Ledoit and Wolf (2004, "A well-conditioned estimator ...") say,
// since there may be fewer examples than columns. Everything is in double, in one thread.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "tensor/matrix.h"

namespace cajal {

class LinearClassifier {
 public:
  /// `x` [examples, width] of F64, `labels` [examples] below `classes`; every class has an example.
  /// Columns are brought to mean 0 and variance 1 within classes first; those that never change
  /// count for nothing.
  static LinearClassifier fit(MatrixView<const double> x, std::span<const std::size_t> labels,
                              std::size_t classes);

  /// [classes] the logarithm of how likely each is, up to a constant.
  std::vector<double> scores(std::span<const double> x) const;
  /// The likeliest; the first of equals.
  std::size_t classify(std::span<const double> x) const;
  /// How much the covariance was shrunk, 0 to 1.
  double shrinkage() const noexcept { return shrinkage_; }

 private:
  Matrix weights_;              // [classes, width], of the columns as they come
  std::vector<double> biases_;  // [classes]
  double shrinkage_ = 0.0;
};

}  // namespace cajal
