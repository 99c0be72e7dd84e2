// GGUF files with random quantised weights, for tests that need a larger one than is committed.
#pragma once

#include <cstddef>
#include <filesystem>

namespace cajal::testing {

/// Of a llama with a tied head and as many key/value heads as heads.
struct LlamaShape {
  std::size_t vocab = 0;
  std::size_t d_model = 0;  // a multiple of 32 and of heads
  std::size_t d_mlp = 0;    // a multiple of 32
  std::size_t layers = 0;
  std::size_t heads = 0;
  std::size_t context = 0;
};

/// Writes a file whose matrices are Q8_0 and whose gains are F32; the same numbers every time, of a
/// size that keeps activations of order 1.
void write_random_gguf(const std::filesystem::path& path, const LlamaShape& shape);

}  // namespace cajal::testing
