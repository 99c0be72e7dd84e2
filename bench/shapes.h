// The shapes that are measured.
#pragma once

#include <string>
#include <vector>

namespace cajal::bench {

struct Shape {
  std::string name;    // "gpt2-small-f32"
  std::string config;  // config.json
};

/// GPT-2 small (124 M parameters, f32) and Llama 3.2 1B (bf16).
std::vector<Shape> shapes();

}  // namespace cajal::bench
