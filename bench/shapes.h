// The shapes that are measured.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "text/token.h"

namespace cajal::bench {

struct Shape {
  std::string name;    // "gpt2-small-f32"
  std::string config;  // config.json
};

/// GPT-2 small (124 M parameters, f32) and Llama 3.2 1B (bf16).
std::vector<Shape> shapes();

/// Always the same `tokens` ids, below `vocab`.
std::vector<TokenId> prompt_of(std::size_t tokens, std::size_t vocab);

}  // namespace cajal::bench
