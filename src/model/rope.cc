#include "model/rope.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

namespace cajal {
namespace {

constexpr double kTau = 2.0 * std::numbers::pi;

/// Llama 3.1: long wavelengths are stretched by `factor`, short ones kept, those between mixed.
double llama3_frequency(const RopeConfig& r, double f) {
  const double wavelength = kTau / f;
  if (wavelength < r.original_context / r.high_freq_factor) {
    return f;
  }
  if (wavelength > r.original_context / r.low_freq_factor) {
    return f / r.factor;
  }
  const double smooth = (r.original_context / wavelength - r.low_freq_factor) /
                        (r.high_freq_factor - r.low_freq_factor);
  return f * ((1.0 - smooth) / r.factor + smooth);
}

/// YaRN (Peng et al. 2023, arXiv 2309.00071): a linear ramp between the pairs that turn beta_fast
/// times within the original context and those that turn beta_slow times.
struct YarnRamp {
  explicit YarnRamp(const RopeConfig& r) {
    const auto pair_with = [&](double turns) {
      return static_cast<double>(r.dims) * std::log(r.original_context / (turns * kTau)) /
             (2.0 * std::log(r.theta));
    };
    low = pair_with(r.beta_fast);
    high = pair_with(r.beta_slow);
    if (r.truncate) {
      low = std::floor(low);
      high = std::ceil(high);
    }
    low = std::max(low, 0.0);
    high = std::min(high, static_cast<double>(r.dims) - 1.0);
    if (low == high) {
      high += 0.001;
    }
  }
  double at(std::size_t pair) const {
    return std::clamp((static_cast<double>(pair) - low) / (high - low), 0.0, 1.0);
  }
  double low = 0.0;
  double high = 0.0;
};

bool is_long(const RopeConfig& rope, std::size_t tokens) noexcept {
  return static_cast<double>(tokens) > rope.original_context;
}

template <typename T>
void fill(const std::vector<double>& frequencies, double factor, std::int32_t position,
          std::span<T> cos, std::span<T> sin) {
  for (std::size_t i = 0; i < frequencies.size(); ++i) {
    const double angle = static_cast<double>(position) * frequencies[i];
    cos[i] = static_cast<T>(std::cos(angle) * factor);
    sin[i] = static_cast<T>(std::sin(angle) * factor);
  }
}

}  // namespace

std::vector<double> rope_frequencies(const RopeConfig& r, std::size_t tokens) {
  std::vector<double> out(r.dims / 2);
  const YarnRamp ramp(r);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const double f = std::pow(r.theta, -2.0 * static_cast<double>(i) / static_cast<double>(r.dims));
    switch (r.scaling) {
      case RopeScaling::None:
        out[i] = f;
        break;
      case RopeScaling::Linear:
        out[i] = f / r.factor;
        break;
      case RopeScaling::Llama3:
        out[i] = llama3_frequency(r, f);
        break;
      case RopeScaling::Yarn:
        out[i] = f * (1.0 - ramp.at(i)) + f / r.factor * ramp.at(i);
        break;
      case RopeScaling::LongRope:
        out[i] = f / (is_long(r, tokens) ? r.long_factor[i] : r.short_factor[i]);
        break;
      case RopeScaling::Divisors:
        out[i] = f / r.short_factor[i];
        break;
    }
  }
  return out;
}

double rope_attention_factor(const RopeConfig& r, std::size_t context) {
  if (r.attention_factor) {
    return *r.attention_factor;
  }
  if (r.scaling == RopeScaling::Yarn) {
    return r.factor <= 1.0 ? 1.0 : 0.1 * std::log(r.factor) + 1.0;
  }
  if (r.scaling == RopeScaling::LongRope) {
    const double stretch =
        r.factor != 1.0 ? r.factor : static_cast<double>(context) / r.original_context;
    return stretch <= 1.0 ? 1.0 : std::sqrt(1.0 + std::log(stretch) / std::log(r.original_context));
  }
  return 1.0;
}

bool rope_changes(const RopeConfig& rope, std::size_t before, std::size_t after) noexcept {
  return rope.scaling == RopeScaling::LongRope && is_long(rope, before) != is_long(rope, after);
}

RopeTables rope_tables(Backend& backend, const RopeConfig& rope, std::size_t context,
                       std::span<const std::int32_t> positions,
                       std::span<const std::size_t> lengths) {
  const double factor = rope_attention_factor(rope, context);
  RopeTables tables{Matrix::host(positions.size(), rope.dims / 2, backend.activation_dtype()),
                    Matrix::host(positions.size(), rope.dims / 2, backend.activation_dtype())};
  std::vector<double> frequencies;
  std::vector<std::size_t> row_of;  // by position: packed documents have the same ones again
  for (std::size_t t = 0; t < positions.size(); ++t) {
    if (t == 0 || rope_changes(rope, lengths[t - 1], lengths[t])) {
      frequencies = rope_frequencies(rope, lengths[t]);
      row_of.clear();
    }
    const auto position = static_cast<std::size_t>(positions[t]);
    if (position < row_of.size() && row_of[position] != SIZE_MAX) {
      convert(std::as_const(tables.cos).ref().row_range(row_of[position], 1),
              tables.cos.ref().row_range(t, 1));
      convert(std::as_const(tables.sin).ref().row_range(row_of[position], 1),
              tables.sin.ref().row_range(t, 1));
      continue;
    }
    row_of.resize(std::max(row_of.size(), position + 1), SIZE_MAX);
    row_of[position] = t;
    if (tables.cos.dtype() == DType::F64) {
      fill(frequencies, factor, positions[t], tables.cos.as<double>().row(t),
           tables.sin.as<double>().row(t));
    } else {
      fill(frequencies, factor, positions[t], tables.cos.as<float>().row(t),
           tables.sin.as<float>().row(t));
    }
  }
  return tables;
}

}  // namespace cajal
