#include "shapes.h"

namespace cajal::bench {
namespace {

constexpr const char* kGpt2Small = R"({
  "model_type": "gpt2", "dtype": "float32", "vocab_size": 50257, "n_embd": 768, "n_layer": 12,
  "n_head": 12, "n_positions": 1024, "activation_function": "gelu_new",
  "layer_norm_epsilon": 1e-5, "tie_word_embeddings": true})";

constexpr const char* kLlama1b = R"({
  "model_type": "llama", "dtype": "bfloat16", "vocab_size": 128256, "hidden_size": 2048,
  "intermediate_size": 8192, "num_hidden_layers": 16, "num_attention_heads": 32,
  "num_key_value_heads": 8, "head_dim": 64, "max_position_embeddings": 131072,
  "rms_norm_eps": 1e-5, "hidden_act": "silu", "tie_word_embeddings": true,
  "rope_parameters": {"rope_type": "llama3", "rope_theta": 500000.0, "factor": 32.0,
    "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}})";

}  // namespace

std::vector<Shape> shapes() {
  return {{"gpt2-small-f32", kGpt2Small}, {"llama-1b-bf16", kLlama1b}};
}

std::vector<TokenId> prompt_of(std::size_t tokens, std::size_t vocab) {
  std::vector<TokenId> out;
  out.reserve(tokens);
  for (std::size_t i = 0; i < tokens; ++i) {
    out.push_back(static_cast<TokenId>((1 + 7919 * i) % vocab));
  }
  return out;
}

}  // namespace cajal::bench
