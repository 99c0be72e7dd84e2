// The few numbers that make a new model, and the configuration file they stand for.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "io/json.h"
#include "model/config.h"
#include "text/token.h"

namespace cajal {

/// What a recipe says of a model that is to be grown.
struct Architecture {
  std::string family = "llama";  // llama, gpt2, qwen3 or gemma2
  std::size_t layers = 0;
  std::size_t heads = 0;
  std::size_t kv_heads = 0;  // 0: as many as heads
  std::size_t d_model = 0;
  std::size_t d_head = 0;  // 0: d_model / heads
  std::size_t d_mlp = 0;   // 0: 4 * d_model
  std::size_t vocab = 0;
  std::size_t context = 0;
  double rope_theta = 10000.0;
  double norm_epsilon = 1e-5;
  bool tied = true;
  DType stored = DType::BF16;  // what the file will hold: "dtype"
  std::optional<TokenId> bos = std::nullopt;
  std::optional<TokenId> eos = std::nullopt;
  std::optional<TokenId> pad = std::nullopt;
};

/// The config.json of a Hugging Face folder, as transformers and Model::load read it. Throws
/// InvalidArgument naming the number that makes no sense, Unsupported for another family.
Json config_json(const Architecture& architecture);

/// What config_json() stands for.
ModelConfig model_config(const Architecture& architecture);

/// A config.json. Throws CorruptData or Unsupported naming `where` and the key.
ModelConfig model_config(const Json& json, const std::string& where);

}  // namespace cajal
