// OLMo 3: OLMo 2 with windows in three of four layers; only global layers scale rotation.
#include "model/families/family.h"

namespace cajal {
namespace {

constexpr std::pair<std::string_view, double> kDefaults[] = {
    {"vocab_size", 50304},     {"hidden_size", 4096},       {"intermediate_size", 11008},
    {"num_hidden_layers", 32}, {"num_attention_heads", 32}, {"max_position_embeddings", 2048},
    {"rms_norm_eps", 1e-5},    {"rope_theta", 5e5},         {"sliding_window", 4096}};

void configure(const ConfigReader& r, ModelConfig& c) {
  configure_decoder(r, c);
  c.norm_before = false;
  c.norm_after = true;
  c.qk_norm = QkNorm::Whole;
  RopeConfig plain;
  plain.theta = read_rope(r, c, "sliding_attention").theta;
  plain.dims = c.ropes[0].dims;
  c.ropes.push_back(plain);
  set_windows(r, c, r.size("sliding_window"), [](std::size_t i) { return (i + 1) % 4 != 0; });
  for (LayerConfig& layer : c.layer) {
    layer.rope = layer.window != 0 ? 1 : 0;
  }
}

}  // namespace

Family olmo3_family() {
  TensorNames names;
  names.attn_norm.clear();
  names.attn_post_norm = "post_attention_layernorm";
  names.mlp_norm.clear();
  names.mlp_post_norm = "post_feedforward_layernorm";
  return {.name = "olmo3", .configure = configure, .defaults = kDefaults, .names = names};
}

}  // namespace cajal
