// Mixtral: softmax over all experts, the best two renormalised.
#include "model/families/family.h"

namespace cajal {
namespace {

constexpr std::pair<std::string_view, double> kDefaults[] = {{"vocab_size", 32000},
                                                             {"hidden_size", 4096},
                                                             {"intermediate_size", 14336},
                                                             {"num_hidden_layers", 32},
                                                             {"num_attention_heads", 32},
                                                             {"num_key_value_heads", 8},
                                                             {"max_position_embeddings", 131072},
                                                             {"rope_theta", 1e6},
                                                             {"rms_norm_eps", 1e-5},
                                                             {"num_experts_per_tok", 2},
                                                             {"num_local_experts", 8}};

void configure(const ConfigReader& r, ModelConfig& c) {
  configure_decoder(r, c);
  set_window_everywhere(r, c, 0);
  c.mixture = {.experts = r.size("num_local_experts"),
               .active = r.size("num_experts_per_tok"),
               .d_expert = c.d_mlp};
}

}  // namespace

Family mixtral_family() {
  TensorNames names;
  names.router = "block_sparse_moe.gate";
  names.experts = "block_sparse_moe.experts";
  names.expert_gate = "w1";
  names.expert_up = "w3";
  names.expert_down = "w2";
  return {.name = "mixtral", .configure = configure, .defaults = kDefaults, .names = names};
}

}  // namespace cajal
