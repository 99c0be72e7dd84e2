// StableLM: LayerNorm, part of each head rotated, sometimes parallel, sometimes q and k normalised.
#include "model/families/family.h"

namespace cajal {
namespace {

constexpr std::pair<std::string_view, double> kDefaults[] = {{"vocab_size", 50304},
                                                             {"hidden_size", 2560},
                                                             {"intermediate_size", 6912},
                                                             {"num_hidden_layers", 32},
                                                             {"num_attention_heads", 32},
                                                             {"num_key_value_heads", 32},
                                                             {"max_position_embeddings", 4096},
                                                             {"partial_rotary_factor", 0.25},
                                                             {"layer_norm_eps", 1e-5}};

void configure(const ConfigReader& r, ModelConfig& c) {
  configure_decoder(r, c);
  c.norm = NormKind::Layer;
  c.norm_epsilon = r.number("layer_norm_eps");
  c.parallel = r.flag_or("use_parallel_residual", false);
  c.shared_norm = c.parallel;
  if (r.flag_or("qk_layernorm", false)) {
    c.qk_norm = QkNorm::PerHead;
    c.qk_norm_kind = NormKind::Layer;
  }
}

}  // namespace

Family stablelm_family() {
  TensorNames names;
  names.q_norm = "self_attn.q_layernorm.norms";
  names.k_norm = "self_attn.k_layernorm.norms";
  names.one_norm_tensor_per_head = true;
  return {.name = "stablelm", .configure = configure, .defaults = kDefaults, .names = names};
}

}  // namespace cajal
