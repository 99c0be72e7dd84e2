// Command R: one LayerNorm without bias feeds both branches, logits multiplied, neighbouring pairs.
// Command R7B (cohere2): the same with windows; windowed layers rotate, global ones do not.
#include <algorithm>

#include "model/families/family.h"

namespace cajal {
namespace {

// Beyond these cohere assumes rope_theta 5e5, cohere2 a sliding_window of 4096.
constexpr std::pair<std::string_view, double> kDefaults[] = {
    {"vocab_size", 256000},    {"hidden_size", 8192},       {"intermediate_size", 22528},
    {"num_hidden_layers", 40}, {"num_attention_heads", 64}, {"max_position_embeddings", 8192},
    {"layer_norm_eps", 1e-5},  {"logit_scale", 0.0625},     {"rope_theta", 5e5}};
constexpr std::pair<std::string_view, double> kDefaults2[] = {
    {"vocab_size", 256000},    {"hidden_size", 8192},       {"intermediate_size", 22528},
    {"num_hidden_layers", 40}, {"num_attention_heads", 64}, {"max_position_embeddings", 8192},
    {"layer_norm_eps", 1e-5},  {"logit_scale", 0.0625},     {"sliding_window", 4096}};

void configure_shared(const ConfigReader& r, ModelConfig& c) {
  c.tied = true;
  configure_decoder(r, c);
  c.norm = NormKind::Layer;
  c.norm_epsilon = r.number("layer_norm_eps");
  c.parallel = true;
  c.shared_norm = true;
  c.logit_multiplier = r.number("logit_scale");
  c.ropes[0].neighbours = true;
}

void configure(const ConfigReader& r, ModelConfig& c) {
  configure_shared(r, c);
  if (r.flag_or("use_qk_norm", false)) {
    c.qk_norm = QkNorm::PerHead;
    c.qk_norm_kind = NormKind::Layer;
  }
}

void configure2(const ConfigReader& r, ModelConfig& c) {
  configure_shared(r, c);
  const std::size_t pattern = std::max<std::size_t>(
      r.size_or("sliding_window_pattern", r.size_or("_sliding_window_pattern", 4)), 1);
  set_windows(r, c, r.size("sliding_window"),
              [&](std::size_t i) { return (i + 1) % pattern != 0; });
  for (LayerConfig& layer : c.layer) {
    layer.rope = layer.window != 0 ? std::optional<std::size_t>(0) : std::nullopt;
  }
}

TensorNames names() {
  TensorNames names;
  names.mlp_norm.clear();
  return names;
}

}  // namespace

Family cohere_family() {
  return {.name = "cohere", .configure = configure, .defaults = kDefaults, .names = names()};
}

Family cohere2_family() {
  return {.name = "cohere2", .configure = configure2, .defaults = kDefaults2, .names = names()};
}

}  // namespace cajal
