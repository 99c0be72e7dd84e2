// Phi 3 and 4: packed projections; long contexts by two sets of divisors.
#include "model/families/family.h"

namespace cajal {
namespace {

constexpr std::pair<std::string_view, double> kDefaults[] = {
    {"vocab_size", 32064},       {"hidden_size", 3072},
    {"intermediate_size", 8192}, {"num_hidden_layers", 32},
    {"num_attention_heads", 32}, {"max_position_embeddings", 4096},
    {"rms_norm_eps", 1e-5},      {"original_max_position_embeddings", 4096}};

void configure(const ConfigReader& r, ModelConfig& c) {
  configure_decoder(r, c);
  set_window_everywhere(r, c, 0);
}

}  // namespace

Family phi3_family() {
  TensorNames names;
  names.qkv = "self_attn.qkv_proj";
  names.packing = QkvPacking::Blocks;
  names.gate_up = "mlp.gate_up_proj";
  return {.name = "phi3", .configure = configure, .defaults = kDefaults, .names = names};
}

}  // namespace cajal
