#include "dictionary/chosen_features.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "dictionary/encode.h"
#include "dictionary/input_scaling.h"

namespace cajal {
namespace {

bool looks_at_itself_alone(const DictionaryLayer& layer) {
  return layer.activation.kind == ActivationKind::Relu ||
         layer.activation.kind == ActivationKind::JumpRelu;
}

/// By feature, then row.
std::vector<std::size_t> by_feature(std::span<const RowFeature> chosen) {
  std::vector<std::size_t> order(chosen.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return std::pair(chosen[a].feature, chosen[a].row) <
           std::pair(chosen[b].feature, chosen[b].row);
  });
  return order;
}

template <typename T>
double fired(const DictionaryLayer& layer, std::size_t feature, T h) {
  const ActivationFunction& f = layer.activation;
  const bool jumps = f.kind == ActivationKind::JumpRelu;
  const bool fires = jumps ? h > static_cast<T>(f.threshold[feature]) : h > 0;
  const bool counts = fires && (h > 0 || (jumps && f.keeps_negative));
  return counts ? static_cast<double>(static_cast<float>(h)) : 0.0;
}

template <typename T>
double activation_of(const DictionaryLayer& layer, std::span<const float> encoder,
                     std::size_t feature, std::span<const T> x) {
  const RowScaling scaling = scaling_of<T>(layer, x);
  double sum = 0.0;
  for (std::size_t c = 0; c < x.size(); ++c) {
    const double scaled = (static_cast<double>(x[c]) - scaling.shift) * scaling.factor;
    const double bias = layer.pre_bias.empty() ? 0.0 : static_cast<double>(layer.pre_bias[c]);
    sum += static_cast<double>(encoder[c]) * (scaled - bias);
  }
  sum += static_cast<double>(layer.b_enc[feature]);
  sum *= layer.feature_scale.empty() ? 1.0 : static_cast<double>(layer.feature_scale[feature]);
  if (!std::isfinite(sum)) {
    fail(ErrorCode::CorruptData, "feature {} of layer {} is not finite on this input", feature,
         layer.layer);
  }
  return fired(layer, feature, static_cast<T>(sum));
}

template <typename T>
std::vector<double> one_by_one(const Dictionary& dictionary, std::size_t index,
                               MatrixView<const T> x, std::span<const RowFeature> chosen) {
  std::vector<double> out(chosen.size());
  std::vector<float> encoder;
  std::size_t of = SIZE_MAX;
  for (const std::size_t i : by_feature(chosen)) {
    if (chosen[i].feature != of) {
      of = chosen[i].feature;
      encoder = dictionary.encoder_row(index, of);
    }
    out[i] = activation_of<T>(dictionary.layers()[index], encoder, of, x.row(chosen[i].row));
  }
  return out;
}

std::vector<double> by_rows(Backend& backend, const Dictionary& dictionary, std::size_t index,
                            ConstMatRef x, std::span<const RowFeature> chosen,
                            Precision precision) {
  std::vector<std::size_t> rows;
  for (const RowFeature& one : chosen) {
    rows.push_back(one.row);
  }
  std::sort(rows.begin(), rows.end());
  rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
  Matrix some = Matrix::host(rows.size(), x.cols, x.dtype);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    convert(x.row_range(rows[i], 1), some.ref().row_range(i, 1));
  }
  const SparseRows codes = encode(backend, dictionary, index, some.ref(), precision);
  std::vector<double> out;
  for (const RowFeature& one : chosen) {
    const auto at = std::lower_bound(rows.begin(), rows.end(), one.row) - rows.begin();
    const SparseRows::Row row = codes.row(static_cast<std::size_t>(at));
    const auto found = std::lower_bound(row.columns.begin(), row.columns.end(), one.feature);
    const bool fires = found != row.columns.end() && *found == one.feature;
    out.push_back(fires ? static_cast<double>(
                              row.values[static_cast<std::size_t>(found - row.columns.begin())])
                        : 0.0);
  }
  return out;
}

}  // namespace

std::vector<double> chosen_activations(Backend& backend, const Dictionary& dictionary,
                                       std::size_t index, ConstMatRef x,
                                       std::span<const RowFeature> chosen, Precision precision) {
  const DictionaryLayer& layer = dictionary.layers()[index];
  check(x.cols == layer.d_in(), "{}: layer {} reads {} numbers a token, but was given {}",
        dictionary.info().name, layer.layer, layer.d_in(), x.cols);
  for (const RowFeature& one : chosen) {
    check(one.row < x.rows && one.feature < layer.features(),
          "{}: layer {} has no feature {} at row {}: it has {} features, and there are {} rows",
          dictionary.info().name, layer.layer, one.feature, one.row, layer.features(), x.rows);
  }
  if (layer.activation.kind == ActivationKind::BatchTopK) {
    fail(ErrorCode::Unsupported,
         "{}: layer {} chooses features among all tokens of a text (BatchTopK); convert it to "
         "JumpReLU thresholds first",
         dictionary.info().name, layer.layer);
  }
  if (!looks_at_itself_alone(layer)) {
    return by_rows(backend, dictionary, index, x, chosen, precision);
  }
  return x.dtype == DType::F64 ? one_by_one(dictionary, index, x.as<const double>(), chosen)
                               : one_by_one(dictionary, index, x.as<const float>(), chosen);
}

}  // namespace cajal
