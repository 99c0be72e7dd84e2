// Element by element, in double: what operations and their gradients share.
#pragma once

#include <cmath>

#include "tensor/matrix.h"

namespace cajal::ref {

inline double sigmoid(double x) {
  return 1.0 / (1.0 + std::exp(-x));
}

/// out[r, c] = f(in[r, c]).
template <typename F>
void map(ConstMatRef in, MatRef out, const F& f) {
  const auto x = in.as<const double>();
  const auto y = out.as<double>();
  for (std::size_t r = 0; r < x.rows; ++r) {
    for (std::size_t c = 0; c < x.cols; ++c) {
      y.at(r, c) = f(x.at(r, c));
    }
  }
}

/// out[r, c] = f(a[r, c], b[r, c]).
template <typename F>
void map(ConstMatRef a, ConstMatRef b, MatRef out, const F& f) {
  const auto x = a.as<const double>();
  const auto y = b.as<const double>();
  const auto z = out.as<double>();
  for (std::size_t r = 0; r < x.rows; ++r) {
    for (std::size_t c = 0; c < x.cols; ++c) {
      z.at(r, c) = f(x.at(r, c), y.at(r, c));
    }
  }
}

}  // namespace cajal::ref
