#include "ops/ref/reference.h"

namespace cajal {
namespace {

/// out = beta * out + bias.
void start(const GemmArgs& args) {
  const auto out = args.out.as<double>();
  const auto bias = args.bias ? widened_row(args.bias, 0) : std::vector<double>(out.cols, 0.0);
  for (std::size_t i = 0; i < out.rows; ++i) {
    for (std::size_t j = 0; j < out.cols; ++j) {
      const double before = args.beta == 0 ? 0.0 : args.beta * out.at(i, j);
      out.at(i, j) = bias[j] + before;
    }
  }
}

}  // namespace

void ReferenceBackend::gemm(const GemmArgs& args) {
  const auto a = args.a.as<const double>();
  const auto out = args.out.as<double>();
  const bool ta = args.transpose_a == Transpose::Yes;
  const std::size_t k = ta ? a.rows : a.cols;
  const auto left = [&](std::size_t i, std::size_t p) { return ta ? a.at(p, i) : a.at(i, p); };
  start(args);
  // b is read row by row, in the order it is stored, so that only one row is widened at a time.
  std::vector<double> row(args.b.cols);
  for (std::size_t r = 0; r < args.b.rows; ++r) {
    widen_row(args.b, r, row);
    for (std::size_t i = 0; i < out.rows; ++i) {
      if (args.transpose_b == Transpose::Yes) {
        double sum = 0;
        for (std::size_t p = 0; p < k; ++p) {
          sum += left(i, p) * row[p];
        }
        out.at(i, r) += args.alpha * sum;
      } else {
        const double factor = args.alpha * left(i, r);
        for (std::size_t j = 0; j < out.cols; ++j) {
          out.at(i, j) += factor * row[j];
        }
      }
    }
  }
}

}  // namespace cajal
