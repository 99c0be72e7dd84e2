// Mistral: a window in every layer, unless it is null.
#include "model/families/family.h"

namespace cajal {
namespace {

constexpr std::pair<std::string_view, double> kDefaults[] = {{"vocab_size", 32000},
                                                             {"hidden_size", 4096},
                                                             {"intermediate_size", 14336},
                                                             {"num_hidden_layers", 32},
                                                             {"num_attention_heads", 32},
                                                             {"num_key_value_heads", 8},
                                                             {"max_position_embeddings", 131072}};

void configure(const ConfigReader& r, ModelConfig& c) {
  configure_decoder(r, c);
  set_window_everywhere(r, c, 4096);
}

}  // namespace

Family mistral_family() {
  return {.name = "mistral", .configure = configure, .defaults = kDefaults, .names = {}};
}

}  // namespace cajal
