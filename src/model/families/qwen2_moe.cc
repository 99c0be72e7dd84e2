// Qwen 2 mixture: many small experts and a gated shared one.
#include "model/families/family.h"

namespace cajal {
namespace {

constexpr std::pair<std::string_view, double> kDefaults[] = {
    {"vocab_size", 151936},
    {"hidden_size", 2048},
    {"intermediate_size", 5632},
    {"num_hidden_layers", 24},
    {"num_attention_heads", 16},
    {"num_key_value_heads", 16},
    {"max_position_embeddings", 32768},
    {"moe_intermediate_size", 1408},
    {"shared_expert_intermediate_size", 5632},
    {"num_experts_per_tok", 4},
    {"num_experts", 60}};

void configure(const ConfigReader& r, ModelConfig& c) {
  configure_decoder(r, c);
  set_late_windows(r, c);
  require_mixture_everywhere(r);
  c.mixture = {.experts = r.size("num_experts"),
               .active = r.size("num_experts_per_tok"),
               .d_expert = r.size("moe_intermediate_size"),
               .d_shared = r.size("shared_expert_intermediate_size"),
               .renormalize = r.flag_or("norm_topk_prob", false)};
}

}  // namespace

Family qwen2_moe_family() {
  TensorNames names;
  names.router = "mlp.gate";
  names.experts = "mlp.experts";
  names.shared_expert = "mlp.shared_expert";
  names.shared_gate = "mlp.shared_expert_gate";
  return {.name = "qwen2_moe", .configure = configure, .defaults = kDefaults, .names = names};
}

}  // namespace cajal
