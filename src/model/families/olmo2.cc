// OLMo 2: norms only after each branch; q and k normalised over their whole width.
#include "model/families/family.h"

namespace cajal {
namespace {

constexpr std::pair<std::string_view, double> kDefaults[] = {
    {"vocab_size", 50304},     {"hidden_size", 4096},       {"intermediate_size", 11008},
    {"num_hidden_layers", 32}, {"num_attention_heads", 32}, {"max_position_embeddings", 2048},
    {"rms_norm_eps", 1e-5}};

void configure(const ConfigReader& r, ModelConfig& c) {
  configure_decoder(r, c);
  c.norm_before = false;
  c.norm_after = true;
  c.qk_norm = QkNorm::Whole;
}

}  // namespace

Family olmo2_family() {
  TensorNames names;
  names.attn_norm.clear();
  names.attn_post_norm = "post_attention_layernorm";
  names.mlp_norm.clear();
  names.mlp_post_norm = "post_feedforward_layernorm";
  return {.name = "olmo2", .configure = configure, .defaults = kDefaults, .names = names};
}

}  // namespace cajal
