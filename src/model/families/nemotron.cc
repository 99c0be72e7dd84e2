// Nemotron: LayerNorm with gains stored less 1, squared relu without a gate.
#include "model/families/family.h"

namespace cajal {
namespace {

constexpr std::pair<std::string_view, double> kDefaults[] = {
    {"vocab_size", 256000},    {"hidden_size", 6144},         {"intermediate_size", 24576},
    {"num_hidden_layers", 32}, {"num_attention_heads", 48},   {"max_position_embeddings", 4096},
    {"norm_eps", 1e-5},        {"partial_rotary_factor", 0.5}};

void configure(const ConfigReader& r, ModelConfig& c) {
  c.activation = Activation::ReluSquared;
  configure_decoder(r, c);
  c.norm = NormKind::Layer;
  c.norm_epsilon = r.number("norm_eps");
  c.norm_gain_offset = 1.0;
  c.gated = false;
}

}  // namespace

Family nemotron_family() {
  return {.name = "nemotron", .configure = configure, .defaults = kDefaults, .names = {}};
}

}  // namespace cajal
