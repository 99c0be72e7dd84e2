// Command R7B: as Command R; windowed layers rotate, global ones do not.
#include <algorithm>

#include "model/families/family.h"

namespace cajal {
namespace {

constexpr std::pair<std::string_view, double> kDefaults[] = {
    {"vocab_size", 256000},    {"hidden_size", 8192},       {"intermediate_size", 22528},
    {"num_hidden_layers", 40}, {"num_attention_heads", 64}, {"max_position_embeddings", 8192},
    {"layer_norm_eps", 1e-5},  {"logit_scale", 0.0625},     {"sliding_window", 4096}};

void configure(const ConfigReader& r, ModelConfig& c) {
  c.tied = true;
  configure_decoder(r, c);
  c.norm = NormKind::Layer;
  c.norm_epsilon = r.number("layer_norm_eps");
  c.parallel = true;
  c.shared_norm = true;
  c.logit_multiplier = r.number("logit_scale");
  c.ropes[0].neighbours = true;
  const std::size_t pattern = std::max<std::size_t>(
      r.size_or("sliding_window_pattern", r.size_or("_sliding_window_pattern", 4)), 1);
  set_windows(r, c, r.size("sliding_window"),
              [&](std::size_t i) { return (i + 1) % pattern != 0; });
  for (LayerConfig& layer : c.layer) {
    layer.rope = layer.window != 0 ? std::optional<std::size_t>(0) : std::nullopt;
  }
}

}  // namespace

Family cohere2_family() {
  TensorNames names;
  names.mlp_norm.clear();
  return {.name = "cohere2", .configure = configure, .defaults = kDefaults, .names = names};
}

}  // namespace cajal
