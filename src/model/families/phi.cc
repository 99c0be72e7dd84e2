// Phi 1 and 2: one LayerNorm feeds attention and a plain MLP side by side.
#include "model/families/family.h"

namespace cajal {
namespace {

constexpr std::pair<std::string_view, double> kDefaults[] = {
    {"vocab_size", 51200},          {"hidden_size", 2048},       {"intermediate_size", 8192},
    {"num_hidden_layers", 24},      {"num_attention_heads", 32}, {"max_position_embeddings", 2048},
    {"partial_rotary_factor", 0.5}, {"layer_norm_eps", 1e-5}};

void configure(const ConfigReader& r, ModelConfig& c) {
  c.activation = Activation::GeluTanh;
  configure_decoder(r, c);
  c.norm = NormKind::Layer;
  c.norm_epsilon = r.number("layer_norm_eps");
  c.gated = false;
  c.parallel = true;
  c.shared_norm = true;
  require_flag(r, "qk_layernorm", false);
}

}  // namespace

Family phi_family() {
  TensorNames names;
  names.o = "self_attn.dense";
  names.up = "mlp.fc1";
  names.down = "mlp.fc2";
  names.final_norm = "final_layernorm";
  return {.name = "phi", .configure = configure, .defaults = kDefaults, .names = names};
}

}  // namespace cajal
