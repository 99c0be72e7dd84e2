#include "measure/top_of_basis.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/parallel.h"
#include "ops/dense.h"

namespace cajal {
namespace {

/// rows - row, as F64.
Matrix centred(ConstMatRef rows, std::span<const double> row) {
  Matrix out = Matrix::host(rows.rows, rows.cols, DType::F64);
  convert(rows, out.ref());
  const auto x = out.as<double>();
  for (std::size_t r = 0; r < x.rows; ++r) {
    for (std::size_t c = 0; c < x.cols; ++c) {
      x.at(r, c) -= row[c];
    }
  }
  return out;
}

std::vector<double> column_means(ConstMatRef rows) {
  std::vector<double> out(rows.cols);
  const Matrix x = centred(rows, out);
  for (std::size_t r = 0; r < rows.rows; ++r) {
    for (std::size_t c = 0; c < rows.cols; ++c) {
      out[c] += x.as<double>().at(r, c) / static_cast<double>(rows.rows);
    }
  }
  return out;
}

/// out = a * b, or a * b^T, in the backend's own type.
Matrix product(Backend& backend, ConstMatRef a, ConstMatRef b, Transpose transpose_a,
               Transpose transpose_b) {
  const std::size_t m = transpose_a == Transpose::Yes ? a.cols : a.rows;
  const std::size_t n = transpose_b == Transpose::Yes ? b.rows : b.cols;
  Matrix own_a = make_matrix(backend, a.rows, a.cols);
  Matrix own_b = make_matrix(backend, b.rows, b.cols);
  convert(a, own_a.ref());
  convert(b, own_b.ref());
  Matrix out = make_matrix(backend, m, n);
  ops::gemm(backend, {.a = own_a.ref(),
                      .b = own_b.ref(),
                      .out = out.ref(),
                      .transpose_a = transpose_a,
                      .transpose_b = transpose_b});
  backend.synchronize();
  return out;
}

/// Sets all but the k largest |weight * value| to 0 and returns the columns that stay.
std::vector<std::uint32_t> cut_row(std::span<double> row, const Basis& basis) {
  const auto size = [&](std::uint32_t c) {
    return std::abs(row[c]) * (basis.weights.empty() ? 1.0 : basis.weights[c]);
  };
  std::vector<std::uint32_t> order(row.size());
  std::iota(order.begin(), order.end(), 0U);
  const std::size_t k = std::min(basis.k, row.size());
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(k), order.end(),
                    [&](std::uint32_t a, std::uint32_t b) {
                      return size(a) != size(b) ? size(a) > size(b) : a < b;
                    });
  for (std::size_t i = k; i < order.size(); ++i) {
    row[order[i]] = 0.0;
  }
  order.resize(k);
  std::sort(order.begin(), order.end());
  return order;
}

}  // namespace

void Covariance::add(Backend& backend, ConstMatRef rows) {
  if (rows.rows == 0) {
    return;
  }
  const std::size_t d = rows.cols;
  if (rows_ == 0) {
    shift_ = column_means(rows);
    mean_.assign(d, 0.0);
    sums_.assign(d, 0.0);
    products_.assign(d * d, 0.0);
  }
  check(d == shift_.size(), "rows of {} columns after some of {}", d, shift_.size());
  const Matrix x = centred(rows, shift_);
  const Matrix xx = product(backend, x.ref(), x.ref(), Transpose::Yes, Transpose::No);
  for (std::size_t i = 0; i < d * d; ++i) {
    products_[i] += element(xx.ref(), i / d, i % d);
  }
  for (std::size_t r = 0; r < rows.rows; ++r) {
    for (std::size_t c = 0; c < d; ++c) {
      sums_[c] += x.as<double>().at(r, c);
    }
  }
  rows_ += rows.rows;
  for (std::size_t c = 0; c < d; ++c) {
    mean_[c] = shift_[c] + sums_[c] / static_cast<double>(rows_);
  }
}

SymmetricEigen Covariance::components() const {
  const std::size_t d = shift_.size();
  Matrix covariance = Matrix::host(d, d, DType::F64);
  const auto n = static_cast<double>(std::max<std::size_t>(rows_, 1));
  for (std::size_t i = 0; i < d; ++i) {
    for (std::size_t j = 0; j < d; ++j) {
      covariance.as<double>().at(i, j) = products_[i * d + j] / n - sums_[i] / n * (sums_[j] / n);
    }
  }
  return symmetric_eigen(std::as_const(covariance).as<double>());
}

SparseRows keep_largest(Backend& backend, const Basis& basis, MatRef rows) {
  Matrix x = centred(rows, basis.mean);
  if (basis.vectors) {
    const Matrix turned =
        product(backend, x.ref(), basis.vectors->ref(), Transpose::No, Transpose::Yes);
    convert(turned.ref(), x.ref());
  }
  std::vector<std::vector<std::uint32_t>> kept(rows.rows);
  parallel_for(rows.rows, 16, [&](std::size_t begin, std::size_t end) {
    for (std::size_t r = begin; r < end; ++r) {
      kept[r] = cut_row(x.as<double>().row(r), basis);
    }
  });
  SparseRows out{.cols = rows.cols};
  for (std::size_t r = 0; r < rows.rows; ++r) {
    for (const std::uint32_t c : kept[r]) {
      if (const double value = x.as<double>().at(r, c); value != 0.0) {
        out.append(c, static_cast<float>(value));
      }
    }
    out.end_row();
  }
  if (basis.vectors) {
    const Matrix back =
        product(backend, x.ref(), basis.vectors->ref(), Transpose::No, Transpose::No);
    convert(back.ref(), x.ref());
  }
  std::vector<double> minus_mean = basis.mean;
  for (double& m : minus_mean) {
    m = -m;
  }
  convert(centred(x.ref(), minus_mean).ref(), rows);
  return out;
}

void TopOfBasis::replace(std::size_t site, ConstMatRef, MatRef output) {
  keep_largest(backend_, bases_[site], output);
}

}  // namespace cajal
