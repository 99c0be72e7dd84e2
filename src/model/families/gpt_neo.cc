// GPT-Neo: learned positions, unscaled scores, windows in the layers called local.
#include "base/error.h"
#include "model/families/family.h"

namespace cajal {
namespace {

constexpr std::pair<std::string_view, double> kDefaults[] = {
    {"vocab_size", 50257},       {"max_position_embeddings", 2048},
    {"hidden_size", 2048},       {"num_layers", 24},
    {"num_heads", 16},           {"window_size", 256},
    {"layer_norm_epsilon", 1e-5}};

void check_entry(bool good, const std::string& where) {
  if (!good) {
    fail(ErrorCode::CorruptData,
         "{}: must be a list of [[kinds], repetitions] that adds up to the number of layers",
         where);
  }
}

/// "attention_layers", or "attention_types" such as [[["global", "local"], 12]], which repeats.
std::vector<bool> read_local_layers(const ConfigReader& r, std::size_t layers) {
  std::vector<bool> local;
  const auto add = [&](const Json& kinds, std::string_view key) {
    for (const Json& kind : kinds.as_array(r.at(key))) {
      local.push_back(kind.as_string(r.at(key)) == "local");
    }
  };
  if (const Json* names = r.find("attention_layers")) {
    add(*names, "attention_layers");
  } else if (const Json* types = r.find("attention_types")) {
    constexpr std::string_view kKey = "attention_types";
    for (const Json& entry : types->as_array(r.at(kKey))) {
      const auto& pair = entry.as_array(r.at(kKey));
      check_entry(pair.size() == 2 && !pair[0].as_array(r.at(kKey)).empty(), r.at(kKey));
      const std::int64_t times = pair[1].as_int(r.at(kKey));
      check_entry(times >= 0 && times <= static_cast<std::int64_t>(layers), r.at(kKey));
      for (std::int64_t n = 0; n < times; ++n) {
        add(pair[0], kKey);
      }
    }
  } else {
    for (std::size_t i = 0; i < layers; ++i) {
      local.push_back(i % 2 == 1);
    }
  }
  check_entry(local.size() == layers, r.at("attention_types"));
  return local;
}

void configure(const ConfigReader& r, ModelConfig& c) {
  configure_plain(r,
                  {.layers = "num_layers",
                   .heads = "num_heads",
                   .d_model = "hidden_size",
                   .d_mlp = "intermediate_size",
                   .context = "max_position_embeddings"},
                  c);
  c.score_scale = 1.0;
  c.learned_positions = true;
  c.tied = r.flag_or("tie_word_embeddings", true);
  const std::vector<bool> local = read_local_layers(r, c.layers);
  for (std::size_t i = 0; i < c.layers; ++i) {
    c.layer[i].window = local[i] ? r.size("window_size") : 0;
  }
}

}  // namespace

Family gpt_neo_family() {
  TensorNames names;
  names.prefixes = {"transformer.", ""};
  names.embed = "wte";
  names.positions = "wpe";
  names.layers = "h";
  names.final_norm = "ln_f";
  names.attn_norm = "ln_1";
  names.mlp_norm = "ln_2";
  names.q = "attn.attention.q_proj";
  names.k = "attn.attention.k_proj";
  names.v = "attn.attention.v_proj";
  names.o = "attn.attention.out_proj";
  names.up = "mlp.c_fc";
  names.down = "mlp.c_proj";
  return {.name = "gpt_neo", .configure = configure, .defaults = kDefaults, .names = names};
}

}  // namespace cajal
