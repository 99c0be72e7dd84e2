// GPT-J: one LayerNorm feeds both branches; neighbouring pairs of the first rotary_dim columns.
#include "model/families/family.h"

namespace cajal {
namespace {

constexpr std::pair<std::string_view, double> kDefaults[] = {{"vocab_size", 50400},
                                                             {"n_positions", 2048},
                                                             {"n_embd", 4096},
                                                             {"n_layer", 28},
                                                             {"n_head", 16},
                                                             {"rotary_dim", 64},
                                                             {"layer_norm_epsilon", 1e-5}};

void configure(const ConfigReader& r, ModelConfig& c) {
  configure_plain(r,
                  {.layers = "n_layer",
                   .heads = "n_head",
                   .d_model = "n_embd",
                   .d_mlp = "n_inner",
                   .context = "n_positions"},
                  c);
  c.parallel = true;
  c.shared_norm = true;
  c.tied = r.flag_or("tie_word_embeddings", false);
  RopeConfig rope;  // theta is always 10000
  rope.dims = r.size("rotary_dim");
  rope.neighbours = true;
  c.ropes = {rope};
  c.layer.assign(c.layers, {.window = 0, .rope = 0});
}

}  // namespace

Family gptj_family() {
  TensorNames names;
  names.prefixes = {"transformer.", ""};
  names.embed = "wte";
  names.layers = "h";
  names.final_norm = "ln_f";
  names.attn_norm = "ln_1";
  names.mlp_norm.clear();
  names.q = "attn.q_proj";
  names.k = "attn.k_proj";
  names.v = "attn.v_proj";
  names.o = "attn.out_proj";
  names.up = "mlp.fc_in";
  names.down = "mlp.fc_out";
  return {.name = "gptj", .configure = configure, .defaults = kDefaults, .names = names};
}

}  // namespace cajal
