#include "measure/symmetric_eigen.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"

namespace cajal {
namespace {

/// A symmetric matrix as three diagonals, and the rotation that made it so: `basis` has as rows
/// what the unit vectors of the small problem stand for.
struct Tridiagonal {
  std::vector<double> diagonal;
  std::vector<double> below;  // [n], below[i] couples i and i + 1
  Matrix basis;
};

/// v -= 2 (v . u) u for a unit u over [from, n).
void reflect(std::span<double> v, std::span<const double> u, std::size_t from) {
  double dot = 0.0;
  for (std::size_t i = from; i < v.size(); ++i) {
    dot += v[i] * u[i];
  }
  for (std::size_t i = from; i < v.size(); ++i) {
    v[i] -= 2.0 * dot * u[i];
  }
}

/// The unit vector whose reflection takes column k below the diagonal to its first entry; false if
/// it is there already.
bool householder(MatrixView<const double> a, std::size_t k, std::vector<double>& u) {
  double rest = 0.0;
  for (std::size_t i = k + 2; i < a.rows; ++i) {
    rest += a.at(i, k) * a.at(i, k);
  }
  if (rest == 0.0) {
    return false;
  }
  const double first = a.at(k + 1, k);
  const double norm = std::sqrt(first * first + rest);
  u.assign(a.rows, 0.0);
  u[k + 1] = first + (first < 0.0 ? -norm : norm);
  for (std::size_t i = k + 2; i < a.rows; ++i) {
    u[i] = a.at(i, k);
  }
  const double length = std::sqrt(u[k + 1] * u[k + 1] + rest);
  for (std::size_t i = k + 1; i < a.rows; ++i) {
    u[i] /= length;
  }
  return true;
}

/// a := H a H with H = 1 - 2 u u^T, as a - u w^T - w u^T.
void reflect_both(MatrixView<double> a, const std::vector<double>& u, std::size_t from) {
  const std::size_t n = a.rows;
  std::vector<double> w(n);
  double dot = 0.0;
  for (std::size_t i = 0; i < n; ++i) {
    double sum = 0.0;
    for (std::size_t j = from; j < n; ++j) {
      sum += a.at(i, j) * u[j];
    }
    w[i] = 2.0 * sum;
    dot += w[i] * u[i];
  }
  for (std::size_t i = from; i < n; ++i) {
    w[i] -= dot * u[i];
  }
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      a.at(i, j) -= u[i] * w[j] + w[i] * u[j];
    }
  }
}

Tridiagonal tridiagonal(MatrixView<const double> lower) {
  const std::size_t n = lower.rows;
  Matrix work = Matrix::host(n, n, DType::F64);
  const auto a = work.as<double>();
  Tridiagonal out{.diagonal = std::vector<double>(n),
                  .below = std::vector<double>(n),
                  .basis = Matrix::host(n, n, DType::F64)};
  const auto basis = out.basis.as<double>();
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      a.at(i, j) = i >= j ? lower.at(i, j) : lower.at(j, i);
      basis.at(i, j) = i == j ? 1.0 : 0.0;
    }
  }
  std::vector<double> u;
  for (std::size_t k = 0; k + 2 < n; ++k) {
    if (householder(a, k, u)) {
      reflect_both(a, u, k + 1);
      // basis holds the transpose of the product of reflections, so that its rows are vectors.
      for (std::size_t r = 0; r < n; ++r) {
        reflect(basis.row(r), u, k + 1);
      }
    }
  }
  for (std::size_t i = 0; i < n; ++i) {
    out.diagonal[i] = a.at(i, i);
    out.below[i] = i + 1 < n ? a.at(i + 1, i) : 0.0;
  }
  return out;
}

Matrix transposed(MatrixView<const double> a) {
  Matrix out = Matrix::host(a.cols, a.rows, DType::F64);
  for (std::size_t i = 0; i < a.rows; ++i) {
    for (std::size_t j = 0; j < a.cols; ++j) {
      out.as<double>().at(j, i) = a.at(i, j);
    }
  }
  return out;
}

void rotate_rows(std::span<double> a, std::span<double> b, double c, double s) {
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double x = a[i];
    a[i] = c * x - s * b[i];
    b[i] = s * x + c * b[i];
  }
}

/// One QL step with Wilkinson's shift on the block [first, last]; `vectors` rows turn along.
void ql_step(std::vector<double>& d, std::vector<double>& e, std::size_t first, std::size_t last,
             MatrixView<double> vectors) {
  const double half = (d[first + 1] - d[first]) / (2.0 * e[first]);
  const double root = std::hypot(half, 1.0);
  double g = d[last] - d[first] + e[first] / (half + (half < 0.0 ? -root : root));
  double s = 1.0;
  double c = 1.0;
  double p = 0.0;
  for (std::size_t i = last; i-- > first;) {
    const double f = s * e[i];
    const double b = c * e[i];
    const double r = std::hypot(f, g);
    e[i + 1] = r;
    if (r == 0.0) {  // the block falls in two
      d[i + 1] -= p;
      e[last] = 0.0;
      return;
    }
    s = f / r;
    c = g / r;
    const double shifted = d[i + 1] - p;
    const double t = (d[i] - shifted) * s + 2.0 * c * b;
    p = s * t;
    d[i + 1] = shifted + p;
    g = c * t - b;
    rotate_rows(vectors.row(i), vectors.row(i + 1), c, s);
  }
  d[first] -= p;
  e[first] = g;
  e[last] = 0.0;
}

void diagonalise(std::vector<double>& d, std::vector<double>& e, MatrixView<double> vectors) {
  constexpr int kSteps = 60;  // for each value; two or three are usual
  for (std::size_t first = 0; first < d.size(); ++first) {
    for (int step = 0;; ++step) {
      std::size_t last = first;
      while (last + 1 < d.size() &&
             std::abs(e[last]) > 1e-16 * (std::abs(d[last]) + std::abs(d[last + 1]))) {
        ++last;
      }
      if (last == first) {
        break;
      }
      if (step == kSteps) {
        fail(ErrorCode::CorruptData, "the eigenvalues of a {} x {} matrix do not converge",
             d.size(), d.size());
      }
      ql_step(d, e, first, last, vectors);
    }
  }
}

}  // namespace

SymmetricEigen symmetric_eigen(MatrixView<const double> a) {
  check(a.rows == a.cols, "a matrix of {} x {} is not symmetric", a.rows, a.cols);
  for (std::size_t r = 0; r < a.rows; ++r) {
    for (const double x : a.row(r)) {
      if (!std::isfinite(x)) {
        fail(ErrorCode::CorruptData, "row {} of a symmetric matrix is not finite", r);
      }
    }
  }
  Tridiagonal t = tridiagonal(a);
  const Matrix by_column = std::move(t.basis);
  Matrix rows = transposed(by_column.as<double>());
  diagonalise(t.diagonal, t.below, rows.as<double>());
  std::vector<std::size_t> order(a.rows);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t x, std::size_t y) { return t.diagonal[x] > t.diagonal[y]; });
  SymmetricEigen out{.values = {}, .vectors = Matrix::host(a.rows, a.rows, DType::F64)};
  for (std::size_t i = 0; i < order.size(); ++i) {
    out.values.push_back(t.diagonal[order[i]]);
    std::copy_n(rows.as<double>().row(order[i]).data(), a.cols,
                out.vectors.as<double>().row(i).data());
  }
  return out;
}

}  // namespace cajal
