// Models with random weights, for tests and benchmarks: the shape is the caller's.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

namespace cajal::testing {

/// Writes config.json (as given: model_type gpt2 or llama, all sizes there) and model.safetensors
/// into `folder`, which must exist. Weights are f32, or bf16 where the configuration's dtype is
/// "bfloat16"; the same numbers every time. Activations stay of order 1.
void write_random_model(const std::filesystem::path& folder, const std::string& config);

struct TranscoderShape {
  std::size_t layers = 1;
  std::size_t width = 1;  // of what they read and write
  std::size_t features = 1;
  std::size_t k = 1;  // that fire at each token
};

/// Writes TopK transcoders of f32 from mlp.hook_in to mlp.hook_out into `folder`, which must exist,
/// as circuit-tracer lays them out.
void write_random_transcoders(const std::filesystem::path& folder, const TranscoderShape& shape);

}  // namespace cajal::testing
