#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>

#include "ops/ref/elementwise.h"
#include "ops/ref/reference.h"

namespace cajal {
namespace {

using ref::map;
using ref::sigmoid;

double activation(Activation kind, double x) {
  switch (kind) {
    case Activation::GeluErf:  // erfc keeps its digits where 1 + erf would lose them
      return 0.5 * x * std::erfc(-x / std::numbers::sqrt2);
    case Activation::GeluTanh:  // 0.5 x (1 + tanh u) = x sigmoid(2u), u = sqrt(2/pi) (x + ...x^3)
      return x * sigmoid(2.0 * std::sqrt(2.0 / std::numbers::pi) * (x + 0.044715 * x * x * x));
    case Activation::Silu:
      return x * sigmoid(x);
    case Activation::Relu:
      return x > 0 ? x : (x <= 0 ? 0.0 : x);  // NaN stays NaN
    case Activation::ReluSquared:
      return x > 0 ? x * x : (x <= 0 ? 0.0 : x);
  }
  return x;
}

struct Moments {
  double mean = 0;
  double inverse_deviation = 0;  // 1 / sqrt(mean((x - mean)^2) + epsilon); Rms: with mean 0
};

Moments moments(std::span<const double> x, NormKind kind, double epsilon) {
  const auto count = static_cast<double>(x.size());
  double mean = 0;
  if (kind == NormKind::Layer) {
    for (const double value : x) {
      mean += value;
    }
    mean /= count;
  }
  double squares = 0;
  for (const double value : x) {
    squares += (value - mean) * (value - mean);
  }
  return {mean, 1.0 / std::sqrt(squares / count + epsilon)};
}

}  // namespace

void ReferenceBackend::normalize(const NormArgs& args) {
  const auto in = args.in.as<const double>();
  const auto out = args.out.as<double>();
  const auto bias = args.bias ? widened_row(args.bias, 0) : std::vector<double>(in.cols, 0.0);
  std::vector<double> gain(in.cols, 1.0);
  for (std::size_t r = 0; r < in.rows; ++r) {
    if (args.gain) {
      widen_row(args.gain, r % args.gain.rows, gain);
    }
    const Moments m = moments(in.row(r), args.kind, args.epsilon);
    for (std::size_t c = 0; c < in.cols; ++c) {
      const double y = (in.at(r, c) - m.mean) * m.inverse_deviation;
      if (args.normalized) {
        args.normalized.as<double>().at(r, c) = y;
      }
      out.at(r, c) = y * (args.gain ? gain[c] + args.gain_offset : 1.0) + bias[c];
    }
  }
}

void ReferenceBackend::activate(Activation kind, ConstMatRef in, MatRef out) {
  map(in, out, [&](double x) { return activation(kind, x); });
}

void ReferenceBackend::activate_gated(Activation kind, ConstMatRef gate, ConstMatRef up,
                                      MatRef out) {
  map(gate, up, out, [&](double g, double u) { return activation(kind, g) * u; });
}

void ReferenceBackend::clamped_glu(ConstMatRef gate, ConstMatRef up, double alpha, double limit,
                                   MatRef out) {
  map(gate, up, out, [&](double gate_value, double up_value) {
    const double g = std::min(gate_value, limit);
    const double u = std::clamp(up_value, -limit, limit);
    return (u + 1) * g * sigmoid(alpha * g);
  });
}

void ReferenceBackend::rotate(const RotateArgs& args) {
  const auto x = args.x.as<double>();
  const std::size_t pairs = args.cos.cols;
  for (std::size_t r = 0; r < x.rows; ++r) {
    const auto cosines = widened_row(args.cos, r);
    auto sines = widened_row(args.sin, r);
    if (args.transposed) {
      std::transform(sines.begin(), sines.end(), sines.begin(), std::negate<>());
    }
    for (std::size_t head = 0; head < x.cols; head += args.d_head) {
      for (std::size_t i = 0; i < pairs; ++i) {
        double& first = x.at(r, head + (args.neighbours ? 2 * i : i));
        double& second = x.at(r, head + (args.neighbours ? 2 * i + 1 : i + pairs));
        const double u = first;
        const double v = second;
        first = u * cosines[i] - v * sines[i];
        second = v * cosines[i] + u * sines[i];
      }
    }
  }
}

void ReferenceBackend::add_scaled(ConstMatRef a, ConstMatRef b, double factor, MatRef out) {
  map(a, b, out, [&](double x, double y) { return x + factor * y; });
}

void ReferenceBackend::scale(ConstMatRef in, double factor, MatRef out) {
  map(in, out, [&](double x) { return x * factor; });
}

void ReferenceBackend::soft_cap(ConstMatRef in, double cap, MatRef out) {
  map(in, out, [&](double x) { return cap * std::tanh(x / cap); });
}

void ReferenceBackend::clamp(ConstMatRef in, double limit, MatRef out) {
  map(in, out, [&](double x) { return std::clamp(x, -limit, limit); });
}

void ReferenceBackend::gather(ConstMatRef table, std::span<const std::int32_t> rows, double factor,
                              MatRef out) {
  const auto y = out.as<double>();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    widen_row(table, static_cast<std::size_t>(rows[i]), y.row(i));
    for (double& value : y.row(i)) {
      value *= factor;
    }
  }
}

void ReferenceBackend::scatter_add(ConstMatRef in, std::span<const std::int32_t> rows,
                                   std::span<const double> factors, MatRef out) {
  const auto x = in.as<const double>();
  const auto y = out.as<double>();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (std::size_t c = 0; c < x.cols; ++c) {
      y.at(static_cast<std::size_t>(rows[i]), c) += factors[i] * x.at(i, c);
    }
  }
}

}  // namespace cajal
