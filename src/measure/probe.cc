#include "measure/probe.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/error.h"
#include "base/parallel.h"

namespace cajal {
namespace {

constexpr double kRidge = 1e-3;  // of the mean square of a column, times the number of examples

using Rows = MatrixView<double>;
using ConstRows = MatrixView<const double>;

std::map<std::string, std::size_t> classes_of(const std::vector<std::string>& labels) {
  std::map<std::string, std::size_t> out;
  for (const std::string& label : labels) {
    out.emplace(label, 0);
  }
  std::size_t next = 0;
  for (auto& [label, index] : out) {
    index = next++;
  }
  return out;
}

Matrix zeros(std::size_t rows, std::size_t cols) {
  Matrix out = Matrix::host(rows, cols, DType::F64);
  std::fill_n(out.as<double>().data, rows * cols, 0.0);
  return out;
}

std::vector<double> column_means(ConstRows x) {
  std::vector<double> out(x.cols, 0.0);
  for (std::size_t r = 0; r < x.rows; ++r) {
    for (std::size_t c = 0; c < x.cols; ++c) {
      out[c] += x.at(r, c) / static_cast<double>(x.rows);
    }
  }
  return out;
}

Matrix centred(ConstRows x, const std::vector<double>& means) {
  Matrix out = Matrix::host(x.rows, x.cols, DType::F64);
  for (std::size_t r = 0; r < x.rows; ++r) {
    for (std::size_t c = 0; c < x.cols; ++c) {
      out.as<double>().at(r, c) = x.at(r, c) - means[c];
    }
  }
  return out;
}

/// x^T y, [x.cols, y.cols].
Matrix products(ConstRows x, ConstRows y) {
  Matrix out = zeros(x.cols, y.cols);
  const Rows to = out.as<double>();
  parallel_for(x.cols, 8, [&](std::size_t begin, std::size_t end) {
    for (std::size_t r = 0; r < x.rows; ++r) {
      for (std::size_t i = begin; i < end; ++i) {
        const double factor = x.at(r, i);
        for (std::size_t j = 0; j < y.cols; ++j) {
          to.at(i, j) += factor * y.at(r, j);
        }
      }
    }
  });
  return out;
}

/// Solves a w = b in place of b, for a symmetric positive definite a, which becomes its Cholesky
/// factor.
void solve(Rows a, Rows b) {
  for (std::size_t j = 0; j < a.cols; ++j) {
    for (std::size_t k = 0; k < j; ++k) {
      for (std::size_t i = j; i < a.rows; ++i) {
        a.at(i, j) -= a.at(i, k) * a.at(j, k);
      }
    }
    const double root = std::sqrt(a.at(j, j));
    for (std::size_t i = j; i < a.rows; ++i) {
      a.at(i, j) /= root;
    }
  }
  const auto subtract = [&](std::size_t from, std::size_t to, double factor) {
    for (std::size_t c = 0; c < b.cols; ++c) {
      b.at(to, c) -= factor * b.at(from, c);
    }
  };
  const auto divide = [&](std::size_t row, double by) {
    for (std::size_t c = 0; c < b.cols; ++c) {
      b.at(row, c) /= by;
    }
  };
  for (std::size_t i = 0; i < a.rows; ++i) {
    for (std::size_t k = 0; k < i; ++k) {
      subtract(k, i, a.at(i, k));
    }
    divide(i, a.at(i, i));
  }
  for (std::size_t i = a.rows; i-- > 0;) {
    for (std::size_t k = i + 1; k < a.rows; ++k) {
      subtract(k, i, a.at(k, i));
    }
    divide(i, a.at(i, i));
  }
}

struct Probe {
  std::vector<double> means;   // of the vectors
  std::vector<double> shares;  // of the classes
  Matrix weights;              // [width, classes]
};

Probe fit(ConstRows x, const std::vector<std::size_t>& classes, std::size_t count) {
  Probe out;
  out.means = column_means(x);
  Matrix one_hot = zeros(x.rows, count);
  for (std::size_t r = 0; r < x.rows; ++r) {
    one_hot.as<double>().at(r, classes[r]) = 1.0;
  }
  out.shares = column_means(std::as_const(one_hot).as<double>());
  const Matrix vectors = centred(x, out.means);
  const Matrix targets = centred(std::as_const(one_hot).as<double>(), out.shares);
  Matrix gram = products(vectors.as<double>(), vectors.as<double>());
  double trace = 0.0;
  for (std::size_t i = 0; i < x.cols; ++i) {
    trace += gram.as<double>().at(i, i);
  }
  const double ridge = kRidge * trace / static_cast<double>(x.cols) + 1e-12;
  for (std::size_t i = 0; i < x.cols; ++i) {
    gram.as<double>().at(i, i) += ridge;
  }
  out.weights = products(vectors.as<double>(), targets.as<double>());
  solve(gram.as<double>(), out.weights.as<double>());
  return out;
}

std::size_t name_of_row(const Probe& probe, std::span<const double> x) {
  const ConstRows weights = probe.weights.as<double>();
  std::vector<double> outputs = probe.shares;
  for (std::size_t i = 0; i < x.size(); ++i) {
    for (std::size_t c = 0; c < outputs.size(); ++c) {
      outputs[c] += (x[i] - probe.means[i]) * weights.at(i, c);
    }
  }
  return static_cast<std::size_t>(std::max_element(outputs.begin(), outputs.end()) -
                                  outputs.begin());
}

}  // namespace

double probe_accuracy(const ProbeData& train, const ProbeData& test) {
  if (train.labels.empty() || test.labels.empty()) {
    return 0.0;
  }
  const auto classes = classes_of(train.labels);
  std::vector<std::size_t> indices;
  for (const std::string& label : train.labels) {
    indices.push_back(classes.at(label));
  }
  const Probe probe = fit(train.vectors.as<double>(), indices, classes.size());
  std::size_t right = 0;
  for (std::size_t r = 0; r < test.labels.size(); ++r) {
    const auto found = classes.find(test.labels[r]);
    const std::size_t named = name_of_row(probe, test.vectors.as<double>().row(r));
    right += found != classes.end() && found->second == named ? 1U : 0U;
  }
  return static_cast<double>(right) / static_cast<double>(test.labels.size());
}

}  // namespace cajal
