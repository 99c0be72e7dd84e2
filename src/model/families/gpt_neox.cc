// GPT-NeoX and Pythia: parallel branches with a norm each; q, k, v packed per head.
#include <algorithm>

#include "model/families/family.h"

namespace cajal {
namespace {

constexpr std::pair<std::string_view, double> kDefaults[] = {
    {"vocab_size", 50432},     {"hidden_size", 6144},       {"intermediate_size", 24576},
    {"num_hidden_layers", 44}, {"num_attention_heads", 64}, {"max_position_embeddings", 2048},
    {"rotary_pct", 0.25},      {"layer_norm_eps", 1e-5}};

void configure(const ConfigReader& r, ModelConfig& c) {
  c.activation = Activation::GeluErf;
  configure_decoder(r, c);
  c.norm = NormKind::Layer;
  c.norm_epsilon = r.number("layer_norm_eps");
  c.gated = false;
  c.parallel = r.flag_or("use_parallel_residual", true);
  if (r.find("rope_parameters") == nullptr) {  // the older keys have names of their own
    c.ropes[0].theta = r.number_or("rotary_emb_base", c.ropes[0].theta);
    const double part = std::clamp(r.number("rotary_pct"), 0.0, 1.0);
    c.ropes[0].dims = static_cast<std::size_t>(static_cast<double>(c.d_head) * part);
  }
}

}  // namespace

Family gpt_neox_family() {
  TensorNames names;
  names.prefixes = {"gpt_neox.", ""};
  names.embed = "embed_in";
  names.final_norm = "final_layer_norm";
  names.head = "embed_out";
  names.qkv = "attention.query_key_value";
  names.packing = QkvPacking::PerHead;
  names.o = "attention.dense";
  names.up = "mlp.dense_h_to_4h";
  names.down = "mlp.dense_4h_to_h";
  return {.name = "gpt_neox", .configure = configure, .defaults = kDefaults, .names = names};
}

}  // namespace cajal
