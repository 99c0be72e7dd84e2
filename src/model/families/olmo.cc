// OLMo 1: LayerNorm without gain and bias; q, k and v clamped.
#include "model/families/family.h"

namespace cajal {
namespace {

constexpr std::pair<std::string_view, double> kDefaults[] = {
    {"vocab_size", 50304},     {"hidden_size", 4096},       {"intermediate_size", 11008},
    {"num_hidden_layers", 32}, {"num_attention_heads", 32}, {"max_position_embeddings", 2048}};

void configure(const ConfigReader& r, ModelConfig& c) {
  configure_decoder(r, c);
  c.norm = NormKind::Layer;
  c.norm_epsilon = 1e-5;
  c.clip_qkv = r.number_or("clip_qkv", 0.0);
}

}  // namespace

Family olmo_family() {
  TensorNames names;
  names.attn_norm.clear();
  names.mlp_norm.clear();
  names.final_norm.clear();
  return {.name = "olmo", .configure = configure, .defaults = kDefaults, .names = names};
}

}  // namespace cajal
