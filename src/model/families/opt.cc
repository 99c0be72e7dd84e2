// OPT: learned positions that start at row 2, relu, LayerNorm.
#include "base/error.h"
#include "model/families/family.h"

namespace cajal {
namespace {

constexpr std::pair<std::string_view, double> kDefaults[] = {
    {"vocab_size", 50272},     {"hidden_size", 768},        {"ffn_dim", 3072},
    {"num_hidden_layers", 12}, {"num_attention_heads", 12}, {"max_position_embeddings", 2048}};

void configure(const ConfigReader& r, ModelConfig& c) {
  configure_plain(r,
                  {.layers = "num_hidden_layers",
                   .heads = "num_attention_heads",
                   .d_model = "hidden_size",
                   .d_mlp = "ffn_dim",
                   .context = "max_position_embeddings"},
                  c);
  c.norm_epsilon = 1e-5;  // has no key
  c.activation =
      parse_activation(r.text_or("activation_function", "relu"), r.at("activation_function"));
  c.learned_positions = true;
  c.position_offset = 2;
  c.tied = r.flag_or("tie_word_embeddings", true);
  require_flag(r, "do_layer_norm_before", true);
  require_flag(r, "_remove_final_layer_norm", false);
  if (r.size_or("word_embed_proj_dim", c.d_model) != c.d_model) {
    fail(ErrorCode::Unsupported, "{} differs from hidden_size, which is not supported",
         r.at("word_embed_proj_dim"));
  }
}

}  // namespace

Family opt_family() {
  TensorNames names;
  names.prefixes = {"model.decoder.", "decoder."};
  names.positions = "embed_positions";
  names.final_norm = "final_layer_norm";
  names.attn_norm = "self_attn_layer_norm";
  names.mlp_norm = "final_layer_norm";
  names.o = "self_attn.out_proj";
  names.up = "fc1";
  names.down = "fc2";
  return {.name = "opt", .configure = configure, .defaults = kDefaults, .names = names};
}

}  // namespace cajal
