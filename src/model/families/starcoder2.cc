// StarCoder 2: LayerNorm, a plain MLP, a window in every layer.
#include "model/families/family.h"

namespace cajal {
namespace {

constexpr std::pair<std::string_view, double> kDefaults[] = {{"vocab_size", 49152},
                                                             {"hidden_size", 3072},
                                                             {"intermediate_size", 12288},
                                                             {"num_hidden_layers", 30},
                                                             {"num_attention_heads", 24},
                                                             {"num_key_value_heads", 2},
                                                             {"max_position_embeddings", 4096},
                                                             {"norm_epsilon", 1e-5}};

void configure(const ConfigReader& r, ModelConfig& c) {
  c.tied = true;
  c.activation = Activation::GeluTanh;
  configure_decoder(r, c);
  c.norm = NormKind::Layer;
  c.norm_epsilon = r.number("norm_epsilon");
  c.gated = false;
  set_window_everywhere(r, c, 0);
}

}  // namespace

Family starcoder2_family() {
  TensorNames names;
  names.up = "mlp.c_fc";
  names.down = "mlp.c_proj";
  return {.name = "starcoder2", .configure = configure, .defaults = kDefaults, .names = names};
}

}  // namespace cajal
