// GPT-2: learned positions, weights stored [in, out], q, k and v in one.
#include "model/families/family.h"

namespace cajal {
namespace {

constexpr std::pair<std::string_view, double> kDefaults[] = {
    {"vocab_size", 50257}, {"n_positions", 1024}, {"n_embd", 768},
    {"n_layer", 12},       {"n_head", 12},        {"layer_norm_epsilon", 1e-5}};

void configure(const ConfigReader& r, ModelConfig& c) {
  c.layers = r.size("n_layer");
  c.heads = r.size("n_head");
  check_counts(c, r.where());
  c.kv_heads = c.heads;
  c.d_model = r.size("n_embd");
  c.d_head = c.d_model / c.heads;
  c.d_mlp = r.size_or("n_inner", 4 * c.d_model);
  c.vocab = r.size("vocab_size");
  c.context = r.size("n_positions");
  c.norm = NormKind::Layer;
  c.norm_epsilon = r.number("layer_norm_epsilon");
  c.activation =
      parse_activation(r.text_or("activation_function", "gelu_new"), r.at("activation_function"));
  c.gated = false;
  c.learned_positions = true;
  c.tied = r.flag_or("tie_word_embeddings", true);
  c.layer.resize(c.layers);
  if (!r.flag_or("scale_attn_weights", true)) {
    c.score_scale = 1.0;
  }
  c.scale_by_layer = r.flag_or("scale_attn_by_inverse_layer_idx", false);
  require_flag(r, "add_cross_attention", false);
}

}  // namespace

Family gpt2_family() {
  TensorNames names;
  names.prefixes = {"transformer.", ""};
  names.embed = "wte";
  names.positions = "wpe";
  names.layers = "h";
  names.final_norm = "ln_f";
  names.attn_norm = "ln_1";
  names.mlp_norm = "ln_2";
  names.qkv = "attn.c_attn";
  names.packing = QkvPacking::Blocks;
  names.o = "attn.c_proj";
  names.up = "mlp.c_fc";
  names.down = "mlp.c_proj";
  names.input_major = true;
  return {.name = "gpt2", .configure = configure, .defaults = kDefaults, .names = names};
}

}  // namespace cajal
