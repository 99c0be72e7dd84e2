// GPT-2: learned positions, weights stored [in, out], q, k and v in one.
#include "model/families/family.h"

namespace cajal {
namespace {

constexpr std::pair<std::string_view, double> kDefaults[] = {
    {"vocab_size", 50257}, {"n_positions", 1024}, {"n_embd", 768},
    {"n_layer", 12},       {"n_head", 12},        {"layer_norm_epsilon", 1e-5}};

void configure(const ConfigReader& r, ModelConfig& c) {
  configure_plain(r,
                  {.layers = "n_layer",
                   .heads = "n_head",
                   .d_model = "n_embd",
                   .d_mlp = "n_inner",
                   .context = "n_positions"},
                  c);
  c.learned_positions = true;
  c.tied = r.flag_or("tie_word_embeddings", true);
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
