// Gemma 3: q and k normalised, windows in five of six layers, which rotate with their own theta.
#include <algorithm>
#include <cmath>

#include "model/families/family.h"

namespace cajal {
namespace {

constexpr std::pair<std::string_view, double> kDefaults[] = {{"vocab_size", 262208},
                                                             {"hidden_size", 2304},
                                                             {"intermediate_size", 9216},
                                                             {"num_hidden_layers", 26},
                                                             {"num_attention_heads", 8},
                                                             {"num_key_value_heads", 4},
                                                             {"head_dim", 256},
                                                             {"max_position_embeddings", 131072},
                                                             {"query_pre_attn_scalar", 256},
                                                             {"sliding_window", 4096},
                                                             {"rope_theta", 1e6},
                                                             {"rope_local_base_freq", 10000}};

/// Window layers rotate with `rope_local_base_freq` (or their own entry) and without scaling.
RopeConfig local_rope(const ConfigReader& r, const ModelConfig& c) {
  RopeConfig rope;
  rope.dims = c.ropes[0].dims;
  rope.theta = r.number("rope_local_base_freq");
  if (const Json* parameters = r.find("rope_parameters");
      parameters != nullptr && parameters->find_value("sliding_attention") != nullptr) {
    rope = read_rope(r, c, "sliding_attention");
  }
  return rope;
}

void configure_text(const ConfigReader& r, ModelConfig& c) {
  c.tied = true;
  configure_decoder(r, c);
  c.activation = parse_activation(r.text_or("hidden_activation", "gelu_pytorch_tanh"),
                                  r.at("hidden_activation"));
  c.norm_after = true;
  c.qk_norm = QkNorm::PerHead;
  c.score_scale = 1.0 / std::sqrt(r.number("query_pre_attn_scalar"));
  c.logit_soft_cap = r.number_or("final_logit_softcapping", 0.0);
  c.norm_gain_offset = 1.0;
  c.embedding_scale = std::sqrt(static_cast<double>(c.d_model));
  c.round_embedding_scale = true;
  c.ropes.push_back(local_rope(r, c));
  const std::size_t pattern = std::max<std::size_t>(
      r.size_or("sliding_window_pattern", r.size_or("_sliding_window_pattern", 6)), 1);
  set_windows(r, c, r.size("sliding_window"),
              [&](std::size_t i) { return (i + 1) % pattern != 0; });
  for (LayerConfig& layer : c.layer) {
    layer.rope = layer.window != 0 ? 1 : 0;
  }
}

/// The published 4b and larger: the text model is a part of one that also sees.
void configure_nested(const ConfigReader& r, ModelConfig& c) {
  configure_text(r.inside("text_config", kDefaults), c);
}

TensorNames names() {
  TensorNames names;
  names.prefixes = {"model.", "language_model.model.", "model.language_model.", ""};
  names.attn_post_norm = "post_attention_layernorm";
  names.mlp_norm = "pre_feedforward_layernorm";
  names.mlp_post_norm = "post_feedforward_layernorm";
  return names;
}

}  // namespace

Family gemma3_text_family() {
  return {
      .name = "gemma3_text", .configure = configure_text, .defaults = kDefaults, .names = names()};
}

Family gemma3_family() {
  return {.name = "gemma3", .configure = configure_nested, .defaults = {}, .names = names()};
}

}  // namespace cajal
