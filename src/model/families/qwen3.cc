// Qwen 3: heads of their own size, q and k normalised per head.
#include "model/families/family.h"

namespace cajal {
namespace {

constexpr std::pair<std::string_view, double> kDefaults[] = {{"vocab_size", 151936},
                                                             {"hidden_size", 4096},
                                                             {"intermediate_size", 22016},
                                                             {"num_hidden_layers", 32},
                                                             {"num_attention_heads", 32},
                                                             {"num_key_value_heads", 32},
                                                             {"max_position_embeddings", 32768},
                                                             {"head_dim", 128}};

void configure(const ConfigReader& r, ModelConfig& c) {
  configure_decoder(r, c);
  c.qk_norm = QkNorm::PerHead;
  set_late_windows(r, c);
}

}  // namespace

Family qwen3_family() {
  return {.name = "qwen3", .configure = configure, .defaults = kDefaults, .names = {}};
}

}  // namespace cajal
