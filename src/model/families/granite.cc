// Granite: Llama with four multipliers.
#include "model/families/family.h"

namespace cajal {
namespace {

constexpr std::pair<std::string_view, double> kDefaults[] = {
    {"vocab_size", 32000},       {"hidden_size", 4096},       {"intermediate_size", 11008},
    {"num_hidden_layers", 32},   {"num_attention_heads", 32}, {"max_position_embeddings", 2048},
    {"attention_multiplier", 1}, {"embedding_multiplier", 1}, {"residual_multiplier", 1},
    {"logits_scaling", 1}};

void configure(const ConfigReader& r, ModelConfig& c) {
  configure_decoder(r, c);
  c.score_scale = r.number("attention_multiplier");
  c.embedding_scale = r.number("embedding_multiplier");
  c.residual_multiplier = r.number("residual_multiplier");
  c.logit_multiplier = 1.0 / r.number("logits_scaling");
}

}  // namespace

Family granite_family() {
  return {.name = "granite", .configure = configure, .defaults = kDefaults, .names = {}};
}

}  // namespace cajal
