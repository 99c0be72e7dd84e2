#include "model/weights.h"

namespace cajal {
namespace {

/// Whether b's elements start where row `rows`, column `cols` of a would be.
bool starts_at(ConstMatRef a, ConstMatRef b, std::size_t rows, std::size_t cols) {
  return b.data == a.data + (rows * a.stride + cols) * size_of(a.dtype);
}

bool same_layout(ConstMatRef a, ConstMatRef b) {
  return a.dtype == b.dtype && a.device == b.device && a.stride == b.stride;
}

}  // namespace

std::optional<Projection> joined(const Projection& a, const Projection& b) {
  if (!a || !b || a.input_major != b.input_major || !same_layout(a.weight, b.weight) ||
      static_cast<bool>(a.bias) != static_cast<bool>(b.bias)) {
    return std::nullopt;
  }
  Projection out = a;
  if (a.input_major) {
    const bool fits = a.weight.cols + b.weight.cols <= a.weight.stride;
    if (!fits || a.weight.rows != b.weight.rows ||
        !starts_at(a.weight, b.weight, 0, a.weight.cols)) {
      return std::nullopt;
    }
    out.weight.cols += b.weight.cols;
  } else {
    if (a.weight.cols != b.weight.cols || !starts_at(a.weight, b.weight, a.weight.rows, 0)) {
      return std::nullopt;
    }
    out.weight.rows += b.weight.rows;
  }
  if (a.bias) {
    if (a.bias.dtype != b.bias.dtype || !starts_at(a.bias, b.bias, 0, a.bias.cols)) {
      return std::nullopt;
    }
    out.bias.cols += b.bias.cols;
    out.bias.stride = out.bias.cols;
  }
  return out;
}

std::optional<Projection> joined(const Projection& a, const Projection& b, const Projection& c) {
  const auto two = joined(a, b);
  return two ? joined(*two, c) : std::nullopt;
}

}  // namespace cajal
