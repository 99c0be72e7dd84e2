// The SAE of a golden folder of metrics, for tests that come before any file format.
#pragma once

#include <filesystem>

#include "dictionary/dictionary.h"
#include "io/safetensors.h"
#include "io/tensor.h"

namespace cajal::testing {

inline std::vector<float> numbers(const Safetensors& file, std::string_view name) {
  const auto row = as_matrix(file.at(name)).as<const float>().row(0);
  return {row.begin(), row.end()};
}

/// JumpReLU of the residual stream after layer 2: x - b_dec goes in, threshold strict.
inline std::shared_ptr<const Dictionary> golden_sae(const std::filesystem::path& folder) {
  const auto file = Safetensors::open(folder / "sae" / "sae_weights.safetensors");
  std::vector<DictionaryLayer> layers(1);
  DictionaryLayer& layer = layers[0];
  layer.layer = 2;
  layer.input_point = layer.output_point = "resid_post.2";
  layer.w_enc = {as_matrix(file->at("W_enc")), Transpose::Yes};
  layer.w_dec = as_matrix(file->at("W_dec"));
  layer.b_enc = numbers(*file, "b_enc");
  layer.b_dec = layer.pre_bias = numbers(*file, "b_dec");
  layer.activation = {.kind = ActivationKind::JumpRelu, .threshold = numbers(*file, "threshold")};
  return std::make_shared<const Dictionary>(DictionaryInfo{.name = "golden"}, std::move(layers),
                                            file);
}

}  // namespace cajal::testing
