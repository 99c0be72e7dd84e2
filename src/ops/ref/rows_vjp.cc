#include <algorithm>
#include <cmath>
#include <numbers>

#include "ops/ref/elementwise.h"
#include "ops/ref/reference.h"

namespace cajal {
namespace {

using ref::map;
using ref::sigmoid;

/// A value and its derivative.
struct Dual {
  double value = 0;
  double slope = 0;
};

/// x sigmoid(u(x)), of which Silu and GeluTanh are cases.
Dual swish(double x, double u, double du) {
  const double s = sigmoid(u);
  return {x * s, s + x * s * (1 - s) * du};
}

Dual activation_and_slope(Activation kind, double x) {
  switch (kind) {
    case Activation::GeluErf: {
      const double below = 0.5 * std::erfc(-x / std::numbers::sqrt2);
      const double density =
          std::exp(-0.5 * x * x) * std::numbers::inv_sqrtpi / std::numbers::sqrt2;
      return {x * below, below + x * density};
    }
    case Activation::GeluTanh: {
      const double factor = 2.0 * std::sqrt(2.0 / std::numbers::pi);
      return swish(x, factor * (x + 0.044715 * x * x * x), factor * (1 + 3 * 0.044715 * x * x));
    }
    case Activation::Silu:
      return swish(x, x, 1);
    case Activation::Relu:
      return x > 0 ? Dual{x, 1} : Dual{0, 0};
    case Activation::ReluSquared:
      return x > 0 ? Dual{x * x, 2 * x} : Dual{0, 0};
  }
  return {};
}

struct Pair {
  double gate = 0;
  double up = 0;
};

/// (dgate, dup)[r, c] = dy[r, c] * f(gate[r, c], up[r, c]).
template <typename F>
void map_pairs(ConstMatRef gate, ConstMatRef up, ConstMatRef dy, MatRef dgate, MatRef dup,
               const F& f) {
  const auto g = gate.as<const double>();
  const auto u = up.as<const double>();
  const auto d = dy.as<const double>();
  for (std::size_t r = 0; r < g.rows; ++r) {
    for (std::size_t c = 0; c < g.cols; ++c) {
      const double factor = d.at(r, c);
      const Pair slopes = f(g.at(r, c), u.at(r, c));
      dgate.as<double>().at(r, c) = factor * slopes.gate;
      dup.as<double>().at(r, c) = factor * slopes.up;
    }
  }
}

/// One row of a norm: x in standard form, and the gradient on its way back.
struct NormRow {
  std::vector<double> y;  // (x - mean) * inverse_deviation
  double inverse_deviation = 0;
};

NormRow standardise(std::span<const double> x, NormKind kind, double epsilon) {
  const auto count = static_cast<double>(x.size());
  NormRow row = {.y = {x.begin(), x.end()}};
  double mean = 0;
  for (const double value : x) {
    mean += kind == NormKind::Layer ? value / count : 0.0;
  }
  double squares = 0;
  for (double& value : row.y) {
    value -= mean;
    squares += value * value;
  }
  row.inverse_deviation = 1.0 / std::sqrt(squares / count + epsilon);
  for (double& value : row.y) {
    value *= row.inverse_deviation;
  }
  return row;
}

/// dx from g = gain * dy, in place:
/// dx = (g - mean(g) - y mean(g y)) / deviation, where Rms has no mean(g) and a frozen scale no
/// mean(g y).
void pull_back(const NormVjpArgs& args, const NormRow& row, std::span<double> g) {
  const auto count = static_cast<double>(g.size());
  double mean = 0;
  double along = 0;
  for (std::size_t c = 0; c < g.size(); ++c) {
    mean += args.kind == NormKind::Layer ? g[c] / count : 0.0;
    along += args.frozen_scale ? 0.0 : g[c] * row.y[c] / count;
  }
  for (std::size_t c = 0; c < g.size(); ++c) {
    g[c] = (g[c] - mean - row.y[c] * along) * row.inverse_deviation;
  }
}

void write_dx(const NormVjpArgs& args, std::size_t r, std::vector<double>& dx) {
  for (std::size_t c = 0; c < dx.size() && args.add; ++c) {
    dx[c] += args.add.as<const double>().at(r, c);
  }
  const ConstMatRef row = {reinterpret_cast<const std::byte*>(dx.data()), 1, dx.size(), dx.size(),
                           DType::F64};
  for (const MatRef& out : {args.dx, args.rounded_dx}) {
    if (out) {
      convert(row, out.row_range(r, 1));
    }
  }
}

}  // namespace

void ReferenceBackend::normalize_vjp(const NormVjpArgs& args) {
  const auto dy = args.dy.as<const double>();
  std::vector<double> g(dy.cols);
  for (std::size_t r = 0; r < dy.rows; ++r) {
    const auto gain =
        args.gain ? widened_row(args.gain, r % args.gain.rows) : std::vector<double>();
    const NormRow row = standardise(args.in.as<const double>().row(r), args.kind, args.epsilon);
    for (std::size_t c = 0; c < dy.cols; ++c) {
      g[c] = dy.at(r, c) * (args.gain ? gain[c] + args.gain_offset : 1.0);
      if (args.dgain) {
        args.dgain.as<double>().at(r % args.dgain.rows, c) += dy.at(r, c) * row.y[c];
      }
      if (args.dbias) {
        args.dbias.as<double>().at(0, c) += dy.at(r, c);
      }
    }
    pull_back(args, row, g);
    write_dx(args, r, g);
  }
}

void ReferenceBackend::activate_vjp(Activation kind, ConstMatRef in, ConstMatRef dy, MatRef dx) {
  map(in, dy, dx, [&](double x, double d) { return d * activation_and_slope(kind, x).slope; });
}

void ReferenceBackend::activate_gated_vjp(Activation kind, ConstMatRef gate, ConstMatRef up,
                                          ConstMatRef dy, MatRef dgate, MatRef dup) {
  map_pairs(gate, up, dy, dgate, dup, [&](double g, double u) {
    const Dual y = activation_and_slope(kind, g);
    return Pair{y.slope * u, y.value};
  });
}

void ReferenceBackend::clamped_glu_vjp(ConstMatRef gate, ConstMatRef up, double alpha, double limit,
                                       ConstMatRef dy, MatRef dgate, MatRef dup) {
  map_pairs(gate, up, dy, dgate, dup, [&](double gate_value, double up_value) {
    const double u = std::clamp(up_value, -limit, limit);
    const double g = std::min(gate_value, limit);
    const Dual y = swish(g, alpha * g, alpha);
    return Pair{gate_value > limit ? 0.0 : (u + 1) * y.slope,
                std::abs(up_value) > limit ? 0.0 : y.value};
  });
}

void ReferenceBackend::soft_cap_vjp(ConstMatRef out, double cap, ConstMatRef dy, MatRef dx) {
  map(out, dy, dx, [&](double y, double d) { return d * (1 - y / cap * (y / cap)); });
}

void ReferenceBackend::clamp_vjp(ConstMatRef in, double limit, ConstMatRef dy, MatRef dx) {
  map(in, dy, dx, [&](double x, double d) { return std::abs(x) > limit ? 0.0 : d; });
}

void ReferenceBackend::add_column_sums(ConstMatRef in, MatRef sums) {
  const auto x = in.as<const double>();
  for (std::size_t r = 0; r < x.rows; ++r) {
    for (std::size_t c = 0; c < x.cols; ++c) {
      sums.as<double>().at(0, c) += x.at(r, c);
    }
  }
}

}  // namespace cajal
