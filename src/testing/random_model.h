// Models with random weights, for tests and benchmarks: the shape is the caller's.
#pragma once

#include <filesystem>
#include <string>

namespace cajal::testing {

/// Writes config.json (as given: model_type gpt2 or llama, all sizes there) and model.safetensors
/// into `folder`, which must exist. Weights are f32, or bf16 where the configuration's dtype is
/// "bfloat16"; the same numbers every time. Activations stay of order 1.
void write_random_model(const std::filesystem::path& folder, const std::string& config);

}  // namespace cajal::testing
