// Command R: one LayerNorm without bias feeds both branches, logits multiplied, neighbouring pairs.
#include "model/families/family.h"

namespace cajal {
namespace {

constexpr std::pair<std::string_view, double> kDefaults[] = {
    {"vocab_size", 256000},    {"hidden_size", 8192},       {"intermediate_size", 22528},
    {"num_hidden_layers", 40}, {"num_attention_heads", 64}, {"max_position_embeddings", 8192},
    {"layer_norm_eps", 1e-5},  {"logit_scale", 0.0625},     {"rope_theta", 5e5}};

void configure(const ConfigReader& r, ModelConfig& c) {
  c.tied = true;
  configure_decoder(r, c);
  c.norm = NormKind::Layer;
  c.norm_epsilon = r.number("layer_norm_eps");
  c.parallel = true;
  c.shared_norm = true;
  c.logit_multiplier = r.number("logit_scale");
  c.ropes[0].neighbours = true;
  if (r.flag_or("use_qk_norm", false)) {
    c.qk_norm = QkNorm::PerHead;
    c.qk_norm_kind = NormKind::Layer;
  }
}

}  // namespace

Family cohere_family() {
  TensorNames names;
  names.mlp_norm.clear();
  return {.name = "cohere", .configure = configure, .defaults = kDefaults, .names = names};
}

}  // namespace cajal
