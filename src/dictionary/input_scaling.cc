#include "dictionary/input_scaling.h"

#include <cmath>

namespace cajal {
namespace {

constexpr double kEpsilon = 1e-5;  // added to the standard deviation on the way in, not back

template <typename T>
RowScaling layer_norm(std::span<const T> x) {
  double sum = 0.0;
  for (const T value : x) {
    sum += static_cast<double>(value);
  }
  const double mean = sum / static_cast<double>(x.size());
  double squares = 0.0;
  for (const T value : x) {
    const double centred = static_cast<double>(value) - mean;
    squares += centred * centred;
  }
  const double std = x.size() < 2 ? 0.0 : std::sqrt(squares / static_cast<double>(x.size() - 1));
  return {.factor = 1.0 / (std + kEpsilon), .shift = mean, .back = std};
}

template <typename T>
RowScaling constant_norm(std::span<const T> x) {
  double squares = 0.0;
  for (const T value : x) {
    squares += static_cast<double>(value) * static_cast<double>(value);
  }
  if (squares == 0.0) {
    return {};
  }
  const double factor = std::sqrt(static_cast<double>(x.size()) / squares);
  return {.factor = factor, .shift = 0.0, .back = 1.0 / factor};
}

}  // namespace

template <typename T>
RowScaling scaling_of(const DictionaryLayer& layer, std::span<const T> x) {
  switch (layer.scaling) {
    case InputScaling::LayerNorm:
      return layer_norm(x);
    case InputScaling::ConstantNorm:
      return constant_norm(x);
    case InputScaling::None:
      break;
  }
  return {.factor = layer.input_scale, .shift = 0.0, .back = 1.0 / layer.input_scale};
}

template RowScaling scaling_of(const DictionaryLayer& layer, std::span<const float> x);
template RowScaling scaling_of(const DictionaryLayer& layer, std::span<const double> x);

}  // namespace cajal
