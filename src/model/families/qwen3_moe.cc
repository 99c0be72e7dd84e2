// Qwen 3 mixture: no shared expert; q and k normalised per head.
#include "model/families/family.h"

namespace cajal {
namespace {

constexpr std::pair<std::string_view, double> kDefaults[] = {{"vocab_size", 151936},
                                                             {"hidden_size", 2048},
                                                             {"intermediate_size", 6144},
                                                             {"num_hidden_layers", 24},
                                                             {"num_attention_heads", 32},
                                                             {"num_key_value_heads", 4},
                                                             {"max_position_embeddings", 32768},
                                                             {"moe_intermediate_size", 768},
                                                             {"num_experts_per_tok", 8},
                                                             {"num_experts", 128}};

void configure(const ConfigReader& r, ModelConfig& c) {
  configure_decoder(r, c);
  c.qk_norm = QkNorm::PerHead;
  set_late_windows(r, c);
  require_mixture_everywhere(r);
  c.mixture = {
      .experts = r.size(r.find("num_experts") != nullptr ? "num_experts" : "num_local_experts"),
      .active = r.size("num_experts_per_tok"),
      .d_expert = r.size("moe_intermediate_size"),
      .renormalize = r.flag_or("norm_topk_prob", false)};
}

}  // namespace

Family qwen3_moe_family() {
  TensorNames names;
  names.router = "mlp.gate";
  names.experts = "mlp.experts";
  return {.name = "qwen3_moe", .configure = configure, .defaults = kDefaults, .names = names};
}

}  // namespace cajal
