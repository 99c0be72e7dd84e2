// Qwen 2 and 2.5: biases on q, k and v; a window from some layer on, if asked for.
#include "model/families/family.h"

namespace cajal {
namespace {

constexpr std::pair<std::string_view, double> kDefaults[] = {{"vocab_size", 151936},
                                                             {"hidden_size", 4096},
                                                             {"intermediate_size", 22016},
                                                             {"num_hidden_layers", 32},
                                                             {"num_attention_heads", 32},
                                                             {"num_key_value_heads", 32},
                                                             {"max_position_embeddings", 32768}};

void configure(const ConfigReader& r, ModelConfig& c) {
  configure_decoder(r, c);
  set_late_windows(r, c);
}

}  // namespace

Family qwen2_family() {
  return {.name = "qwen2", .configure = configure, .defaults = kDefaults, .names = {}};
}

}  // namespace cajal
