// For tests: dictionaries made up for models of any family.
#pragma once

#include <cmath>

#include "base/random.h"
#include "trace/local_replacement.h"

namespace cajal::testing {

inline constexpr std::size_t kFeatures = 24;

/// Memory of a dictionary made up here.
struct RandomWeights {
  std::vector<std::vector<float>> matrices;

  ConstMatRef make(std::size_t rows, std::size_t cols, double size) {
    std::vector<float>& m = matrices.emplace_back(rows * cols);
    for (std::size_t i = 0; i < m.size(); ++i) {
      m[i] = static_cast<float>(size * (2.0 * random_uniform(7, matrices.size(), i) - 1.0));
    }
    return {reinterpret_cast<const std::byte*>(m.data()), rows, cols, cols};
  }
  std::vector<float> vector(std::size_t count, double size) {
    const auto row = make(1, count, size).as<const float>().row(0);
    return {row.begin(), row.end()};
  }
};

struct DictionaryShape {
  DictionaryKind kind = DictionaryKind::Transcoder;
  bool skips = false;
  PointKind input = PointKind::MlpIn;
  PointKind output = PointKind::MlpOut;
};

inline std::shared_ptr<const Dictionary> random_dictionary(const ModelConfig& config,
                                                           const DictionaryShape& kind) {
  auto weights = std::make_shared<RandomWeights>();
  std::vector<DictionaryLayer> layers;
  const std::size_t d = config.d_model;
  for (std::size_t l = 0; l < config.layers; ++l) {
    const std::size_t targets = kind.kind == DictionaryKind::CrossLayer ? config.layers - l : 1;
    const double size = 1.0 / std::sqrt(static_cast<double>(d));
    layers.push_back({.layer = l,
                      .input_point = name_of(Point{kind.input, l}),
                      .output_point = name_of(Point{kind.output, l}),
                      .w_enc = {weights->make(kFeatures, d, size)},
                      .w_dec = weights->make(kFeatures, targets * d, size),
                      .w_skip = {kind.skips ? weights->make(d, d, size) : ConstMatRef{}},
                      .b_enc = weights->vector(kFeatures, 0.1),
                      .b_dec = weights->vector(d, 0.1)});
  }
  return std::make_shared<const Dictionary>(
      DictionaryInfo{.kind = kind.kind, .name = "random", .format = "made up"}, std::move(layers),
      weights);
}

inline std::vector<TokenId> some_tokens(const ModelConfig& config) {
  std::vector<TokenId> out;
  for (std::size_t i = 0; i < 7; ++i) {
    out.push_back(static_cast<TokenId>((31 * i * i + 5 * i + 3) % config.vocab));
  }
  return out;
}

}  // namespace cajal::testing
