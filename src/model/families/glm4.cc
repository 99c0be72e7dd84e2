// GLM 4: norms before and after each branch, neighbouring pairs rotated, half of each head.
#include "model/families/family.h"

namespace cajal {
namespace {

constexpr std::pair<std::string_view, double> kDefaults[] = {{"vocab_size", 151552},
                                                             {"hidden_size", 4096},
                                                             {"intermediate_size", 13696},
                                                             {"num_hidden_layers", 40},
                                                             {"num_attention_heads", 32},
                                                             {"num_key_value_heads", 2},
                                                             {"max_position_embeddings", 131072},
                                                             {"head_dim", 128},
                                                             {"partial_rotary_factor", 0.5},
                                                             {"rms_norm_eps", 1.5625e-07}};

void configure(const ConfigReader& r, ModelConfig& c) {
  configure_decoder(r, c);
  c.norm_after = true;
  c.ropes[0].neighbours = true;
}

}  // namespace

Family glm4_family() {
  TensorNames names;
  names.attn_post_norm = "post_self_attn_layernorm";
  names.mlp_post_norm = "post_mlp_layernorm";
  names.gate_up = "mlp.gate_up_proj";
  return {.name = "glm4", .configure = configure, .defaults = kDefaults, .names = names};
}

}  // namespace cajal
