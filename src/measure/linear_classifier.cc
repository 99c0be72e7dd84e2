#include "measure/linear_classifier.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "tensor/host_matrix.h"

namespace cajal {
namespace {

using Rows = MatrixView<double>;
using ConstRows = MatrixView<const double>;

double dot(std::span<const double> a, std::span<const double> b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

/// [classes, width]
Matrix class_means(ConstRows x, std::span<const std::size_t> labels,
                   const std::vector<double>& counts) {
  Matrix out = host_zeros(counts.size(), x.cols, DType::F64);
  for (std::size_t r = 0; r < x.rows; ++r) {
    for (std::size_t c = 0; c < x.cols; ++c) {
      out.as<double>().at(labels[r], c) += x.at(r, c) / counts[labels[r]];
    }
  }
  return out;
}

constexpr double kLeast = 1e-3;  // spread within classes beside that of all, and as a ridge

/// What brings a column to mean 0 and variance 1 within classes; scale 0 where it never changes.
struct Standard {
  std::vector<double> mean;
  std::vector<double> scale;
};

Standard standard_of(ConstRows x, std::span<const std::size_t> labels, ConstRows means) {
  const auto n = static_cast<double>(x.rows);
  Standard out{std::vector<double>(x.cols, 0.0), std::vector<double>(x.cols, 0.0)};
  for (std::size_t r = 0; r < x.rows; ++r) {
    for (std::size_t c = 0; c < x.cols; ++c) {
      out.mean[c] += x.at(r, c) / n;
    }
  }
  std::vector<double> all(x.cols, 0.0);
  std::vector<double> within(x.cols, 0.0);
  for (std::size_t r = 0; r < x.rows; ++r) {
    for (std::size_t c = 0; c < x.cols; ++c) {
      all[c] += std::pow(x.at(r, c) - out.mean[c], 2) / n;
      within[c] += std::pow(x.at(r, c) - means.at(labels[r], c), 2) / n;
    }
  }
  for (std::size_t c = 0; c < x.cols; ++c) {
    const double spread = std::sqrt(all[c]);
    if (spread > 1e-12 * std::abs(out.mean[c])) {  // less is what rounding the mean leaves
      out.scale[c] = 1.0 / std::max(std::sqrt(within[c]), kLeast * spread);
    }
  }
  return out;
}

Matrix standardised(ConstRows x, const Standard& standard) {
  Matrix out = Matrix::host(x.rows, x.cols, DType::F64);
  for (std::size_t r = 0; r < x.rows; ++r) {
    for (std::size_t c = 0; c < x.cols; ++c) {
      out.as<double>().at(r, c) = (x.at(r, c) - standard.mean[c]) * standard.scale[c];
    }
  }
  return out;
}

void subtract_means(Rows x, std::span<const std::size_t> labels, ConstRows means) {
  for (std::size_t r = 0; r < x.rows; ++r) {
    for (std::size_t c = 0; c < x.cols; ++c) {
      x.at(r, c) -= means.at(labels[r], c);
    }
  }
}

/// x^T x / rows, both halves.
Matrix covariance(ConstRows x) {
  Matrix out = host_zeros(x.cols, x.cols, DType::F64);
  const Rows to = out.as<double>();
  for (std::size_t r = 0; r < x.rows; ++r) {
    for (std::size_t i = 0; i < x.cols; ++i) {
      const double factor = x.at(r, i) / static_cast<double>(x.rows);
      for (std::size_t j = 0; j <= i; ++j) {
        to.at(i, j) += factor * x.at(r, j);
      }
    }
  }
  for (std::size_t i = 0; i < x.cols; ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      to.at(j, i) = to.at(i, j);
    }
  }
  return out;
}

/// Ledoit and Wolf's lemmas 3.2 to 3.4, in place; returns how much was shrunk. A small ridge more
/// is for examples that hardly differ within classes.
double shrink(Rows s, ConstRows x) {
  const auto n = static_cast<double>(x.rows);
  double trace = 0.0;
  double squares = 0.0;
  for (std::size_t i = 0; i < s.rows; ++i) {
    trace += s.at(i, i);
    squares += dot(s.row(i), s.row(i));
  }
  const double level = trace / static_cast<double>(s.rows);
  double fourth = 0.0;
  for (std::size_t r = 0; r < x.rows; ++r) {
    fourth += std::pow(dot(x.row(r), x.row(r)), 2) / n;
  }
  const double distance = squares - level * trace;  // |S - level I|^2
  const double noise = std::min(distance, (fourth - squares) / n);
  const double share = distance > 0.0 ? std::clamp(noise / distance, 0.0, 1.0) : 1.0;
  for (std::size_t i = 0; i < s.rows; ++i) {
    for (double& value : s.row(i)) {
      value *= 1.0 - share;
    }
    s.at(i, i) += share * level + kLeast;
  }
  return share;
}

/// The lower triangle of a symmetric positive definite matrix becomes its Cholesky factor.
void factorise(Rows a) {
  for (std::size_t i = 0; i < a.rows; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      const double rest = a.at(i, j) - dot(a.row(i).first(j), a.row(j).first(j));
      a.at(i, j) = i == j ? std::sqrt(rest) : rest / a.at(j, j);
    }
  }
}

/// Solves L L^T w = b in place.
void solve(ConstRows l, std::span<double> b) {
  for (std::size_t i = 0; i < b.size(); ++i) {
    b[i] = (b[i] - dot(l.row(i).first(i), b.first(i))) / l.at(i, i);
  }
  for (std::size_t i = b.size(); i-- > 0;) {
    b[i] /= l.at(i, i);
    for (std::size_t j = 0; j < i; ++j) {
      b[j] -= l.at(i, j) * b[i];
    }
  }
}

}  // namespace

LinearClassifier LinearClassifier::fit(MatrixView<const double> x,
                                       std::span<const std::size_t> labels, std::size_t classes) {
  std::vector<double> counts(classes, 0.0);
  for (const std::size_t label : labels) {
    counts[label] += 1.0;
  }
  const Matrix centres = class_means(x, labels, counts);
  const Standard standard = standard_of(x, labels, centres.as<double>());
  Matrix within = standardised(x, standard);
  const Matrix means = class_means(std::as_const(within).as<double>(), labels, counts);
  subtract_means(within.as<double>(), labels, means.as<double>());
  Matrix spread = covariance(std::as_const(within).as<double>());
  LinearClassifier out;
  out.shrinkage_ = shrink(spread.as<double>(), std::as_const(within).as<double>());
  factorise(spread.as<double>());
  out.weights_ = host_zeros(classes, x.cols, DType::F64);
  for (std::size_t k = 0; k < classes; ++k) {
    const std::span<const double> mean = means.as<double>().row(k);
    const std::span<double> weights = out.weights_.as<double>().row(k);
    std::copy(mean.begin(), mean.end(), weights.begin());
    solve(std::as_const(spread).as<double>(), weights);
    const double share = counts[k] / static_cast<double>(labels.size());
    out.biases_.push_back(std::log(share) - 0.5 * dot(mean, weights));
    for (std::size_t c = 0; c < x.cols; ++c) {  // from standard columns to those that come
      weights[c] *= standard.scale[c];
      out.biases_.back() -= weights[c] * standard.mean[c];
    }
  }
  return out;
}

std::vector<double> LinearClassifier::scores(std::span<const double> x) const {
  std::vector<double> out = biases_;
  for (std::size_t k = 0; k < out.size(); ++k) {
    out[k] += dot(weights_.as<double>().row(k), x);
  }
  return out;
}

std::size_t LinearClassifier::classify(std::span<const double> x) const {
  const std::vector<double> all = scores(x);
  return static_cast<std::size_t>(std::max_element(all.begin(), all.end()) - all.begin());
}

}  // namespace cajal
