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
