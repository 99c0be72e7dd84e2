// gpt-oss: attention sinks, windows in every other layer, experts with a clamped gate.
#include "model/families/family.h"

namespace cajal {
namespace {

constexpr std::pair<std::string_view, double> kDefaults[] = {{"vocab_size", 201088},
                                                             {"hidden_size", 2880},
                                                             {"intermediate_size", 2880},
                                                             {"num_hidden_layers", 36},
                                                             {"num_attention_heads", 64},
                                                             {"num_key_value_heads", 8},
                                                             {"max_position_embeddings", 131072},
                                                             {"head_dim", 64},
                                                             {"rope_theta", 150000},
                                                             {"rms_norm_eps", 1e-5},
                                                             {"num_experts_per_tok", 4},
                                                             {"num_local_experts", 128},
                                                             {"swiglu_limit", 7},
                                                             {"swiglu_alpha", 1.702}};

void configure(const ConfigReader& r, ModelConfig& c) {
  configure_decoder(r, c);
  set_windows(r, c, r.size_or("sliding_window", 128), [](std::size_t i) { return i % 2 == 0; });
  c.mixture = {.experts = r.size("num_local_experts"),
               .active = r.size("num_experts_per_tok"),
               .d_expert = c.d_mlp,
               .softmax_over_all = false,
               .clamped = true,
               .clamp_alpha = r.number("swiglu_alpha"),
               .clamp_limit = r.number("swiglu_limit")};
}

}  // namespace

Family gpt_oss_family() {
  TensorNames names;
  names.sinks = "self_attn.sinks";
  names.router = "mlp.router";
  names.experts = "mlp.experts";
  names.stacked_experts = true;
  return {.name = "gpt_oss", .configure = configure, .defaults = kDefaults, .names = names};
}

}  // namespace cajal
