// Llama 1 to 3: the plainest case.
#include "model/families/family.h"

namespace cajal {
namespace {

constexpr std::pair<std::string_view, double> kDefaults[] = {
    {"vocab_size", 32000},     {"hidden_size", 4096},       {"intermediate_size", 11008},
    {"num_hidden_layers", 32}, {"num_attention_heads", 32}, {"max_position_embeddings", 2048}};

void configure(const ConfigReader& r, ModelConfig& c) {
  configure_decoder(r, c);
}

}  // namespace

Family llama_family() {
  return {.name = "llama", .configure = configure, .defaults = kDefaults, .names = {}};
}

}  // namespace cajal
