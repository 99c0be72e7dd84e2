// Gemma 2: norms before and after each branch, windows in even layers, soft caps.
#include <cmath>

#include "model/families/family.h"

namespace cajal {
namespace {

constexpr std::pair<std::string_view, double> kDefaults[] = {{"vocab_size", 256000},
                                                             {"hidden_size", 2304},
                                                             {"intermediate_size", 9216},
                                                             {"num_hidden_layers", 26},
                                                             {"num_attention_heads", 8},
                                                             {"num_key_value_heads", 4},
                                                             {"max_position_embeddings", 8192},
                                                             {"head_dim", 256},
                                                             {"query_pre_attn_scalar", 256},
                                                             {"sliding_window", 4096},
                                                             {"attn_logit_softcapping", 50},
                                                             {"final_logit_softcapping", 30}};

/// 0 where the file says null: no cap.
double cap(const ConfigReader& r, std::string_view key) {
  return r.mentions(key) && r.find(key) == nullptr ? 0.0 : r.number(key);
}

void configure(const ConfigReader& r, ModelConfig& c) {
  c.tied = true;
  configure_decoder(r, c);
  c.activation = parse_activation(r.text_or("hidden_activation", "gelu_pytorch_tanh"),
                                  r.at("hidden_activation"));
  c.norm_after = true;
  c.score_scale = 1.0 / std::sqrt(r.number("query_pre_attn_scalar"));
  c.score_soft_cap = cap(r, "attn_logit_softcapping");
  c.logit_soft_cap = cap(r, "final_logit_softcapping");
  set_windows(r, c, r.size("sliding_window"), [](std::size_t i) { return i % 2 == 0; });
  c.norm_gain_offset = 1.0;
  c.embedding_scale = std::sqrt(static_cast<double>(c.d_model));
  c.round_embedding_scale = true;
}

}  // namespace

Family gemma2_family() {
  TensorNames names;
  names.attn_post_norm = "post_attention_layernorm";
  names.mlp_norm = "pre_feedforward_layernorm";
  names.mlp_post_norm = "post_feedforward_layernorm";
  return {.name = "gemma2", .configure = configure, .defaults = kDefaults, .names = names};
}

}  // namespace cajal
