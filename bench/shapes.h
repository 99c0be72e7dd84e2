// Models of published shapes with random weights, made on the spot.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace cajal::bench {

struct Shape {
  std::string name;    // "gpt2-small-f32"
  std::string config;  // config.json
};

/// GPT-2 small (124 M parameters, f32) and Llama 3.2 1B (bf16).
std::vector<Shape> shapes();

/// Writes config.json and model.safetensors into `folder`, which must exist.
void write_model(const Shape& shape, const std::filesystem::path& folder);

}  // namespace cajal::bench
