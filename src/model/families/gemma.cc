// Gemma 1: gains stored less 1, scaled embeddings; "gelu" in old files means its tanh form.
#include <cmath>

#include "model/families/family.h"

namespace cajal {
namespace {

constexpr std::pair<std::string_view, double> kDefaults[] = {{"vocab_size", 256000},
                                                             {"hidden_size", 3072},
                                                             {"intermediate_size", 24576},
                                                             {"num_hidden_layers", 28},
                                                             {"num_attention_heads", 16},
                                                             {"num_key_value_heads", 16},
                                                             {"max_position_embeddings", 8192},
                                                             {"head_dim", 256}};

void configure(const ConfigReader& r, ModelConfig& c) {
  c.tied = true;
  configure_decoder(r, c);
  c.activation = Activation::GeluTanh;
  c.norm_gain_offset = 1.0;
  c.embedding_scale = std::sqrt(static_cast<double>(c.d_model));
  c.round_embedding_scale = true;
}

}  // namespace

Family gemma_family() {
  return {.name = "gemma", .configure = configure, .defaults = kDefaults, .names = {}};
}

}  // namespace cajal
