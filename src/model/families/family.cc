#include "model/families/family.h"

#include <cmath>

#include "base/error.h"

namespace cajal {
namespace {

RopeScaling parse_scaling(const std::string& kind, const std::string& where) {
  if (kind == "default" || kind == "mrope") {
    return RopeScaling::None;
  }
  if (kind == "linear") {
    return RopeScaling::Linear;
  }
  if (kind == "llama3") {
    return RopeScaling::Llama3;
  }
  if (kind == "yarn") {
    return RopeScaling::Yarn;
  }
  if (kind == "longrope" || kind == "su") {
    return RopeScaling::LongRope;
  }
  fail(ErrorCode::Unsupported,
       "{}: rotary scaling '{}' is not supported (default, linear, llama3, yarn and longrope are)",
       where, kind.substr(0, 60));
}

void read_attention_factor(const ConfigReader& from, RopeConfig& rope) {
  if (from.find("attention_factor") != nullptr) {
    rope.attention_factor = from.number("attention_factor");
  } else if (rope.scaling == RopeScaling::Yarn && from.find("mscale") != nullptr &&
             from.find("mscale_all_dim") != nullptr) {  // DeepSeek's two-sided form
    const auto scale = [&](double m) {
      return rope.factor <= 1.0 ? 1.0 : 0.1 * m * std::log(rope.factor) + 1.0;
    };
    rope.attention_factor = scale(from.number("mscale")) / scale(from.number("mscale_all_dim"));
  }
}

/// Everything but theta and the rotated part, from the object that describes the scaling.
void read_scaling(const ConfigReader& from, const ConfigReader& reader, const ModelConfig& config,
                  RopeConfig& rope) {
  const std::string kind = from.text_or("rope_type", from.text_or("type", "default"));
  rope.scaling = parse_scaling(kind, from.at("rope_type"));
  const bool by_factor = rope.scaling == RopeScaling::Linear ||
                         rope.scaling == RopeScaling::Llama3 || rope.scaling == RopeScaling::Yarn;
  rope.factor = by_factor ? from.number("factor") : from.number_or("factor", 1.0);
  if (rope.scaling == RopeScaling::Llama3) {
    rope.low_freq_factor = from.number("low_freq_factor");
    rope.high_freq_factor = from.number("high_freq_factor");
  }
  rope.beta_fast = from.number_or("beta_fast", 32.0);
  rope.beta_slow = from.number_or("beta_slow", 1.0);
  rope.truncate = from.flag_or("truncate", true);
  const double outer =
      reader.number_or("original_max_position_embeddings", static_cast<double>(config.context));
  rope.original_context = from.number_or("original_max_position_embeddings", outer);
  if (rope.scaling == RopeScaling::LongRope) {
    rope.short_factor = from.numbers("short_factor");
    rope.long_factor = from.numbers("long_factor");
  }
  read_attention_factor(from, rope);
}

/// Which layers have a window by "layer_types"; empty if the file has no such key.
std::vector<bool> read_layer_types(const ConfigReader& reader, std::size_t layers) {
  const Json* types = reader.find("layer_types");
  if (types == nullptr) {
    return {};
  }
  const std::string where = reader.at("layer_types");
  std::vector<bool> out;
  for (const Json& type : types->as_array(where)) {
    const std::string& name = type.as_string(where);
    if (name != "sliding_attention" && name != "full_attention") {
      fail(ErrorCode::Unsupported,
           "{}: '{}' is not supported (full_attention and sliding_attention are)", where,
           name.substr(0, 60));
    }
    out.push_back(name == "sliding_attention");
  }
  if (out.size() != layers) {
    fail(ErrorCode::CorruptData, "{} has {} entries, but there are {} layers", where, out.size(),
         layers);
  }
  return out;
}

}  // namespace

void configure_decoder(const ConfigReader& reader, ModelConfig& c) {
  c.layers = reader.size("num_hidden_layers");
  c.heads = reader.size("num_attention_heads");
  c.kv_heads = reader.size_or("num_key_value_heads", c.heads);
  c.d_model = reader.size("hidden_size");
  c.d_mlp = reader.size("intermediate_size");
  c.vocab = reader.size("vocab_size");
  c.context = reader.size("max_position_embeddings");
  check_counts(c, reader.where());
  c.d_head = reader.size_or("head_dim", c.d_model / c.heads);
  c.norm_epsilon = reader.number_or("rms_norm_eps", c.norm_epsilon);
  c.tied = reader.flag_or("tie_word_embeddings", c.tied);
  if (reader.find("hidden_act") != nullptr) {
    c.activation = parse_activation(reader.text_or("hidden_act", ""), reader.at("hidden_act"));
  }
  c.ropes = {read_rope(reader, c)};
  c.layer.assign(c.layers, {.window = 0, .rope = 0});
}

RopeConfig read_rope(const ConfigReader& reader, const ModelConfig& config,
                     std::string_view layer_type) {
  RopeConfig rope;
  double partial = reader.number_or("partial_rotary_factor", 1.0);
  rope.theta = reader.number_or("rope_theta", 10000.0);
  const std::string_view key =
      reader.find("rope_parameters") != nullptr ? "rope_parameters" : "rope_scaling";
  if (reader.find(key) != nullptr) {
    ConfigReader from = reader.inside(key);
    if (from.find(layer_type) != nullptr) {
      from = from.inside(layer_type);
    }
    rope.theta = from.number_or("rope_theta", rope.theta);
    partial = from.number_or("partial_rotary_factor", partial);
    read_scaling(from, reader, config, rope);
  }
  if (!(partial > 0.0 && partial <= 1.0)) {
    fail(ErrorCode::CorruptData, "{} is {}, must be above 0 and at most 1",
         reader.at("partial_rotary_factor"), partial);
  }
  rope.dims = static_cast<std::size_t>(static_cast<double>(config.d_head) * partial);
  return rope;
}

void set_windows(const ConfigReader& reader, ModelConfig& config, std::size_t window,
                 const std::function<bool(std::size_t layer)>& is_windowed) {
  const std::vector<bool> types = read_layer_types(reader, config.layers);
  for (std::size_t i = 0; i < config.layers; ++i) {
    const bool windowed = types.empty() ? is_windowed(i) : types[i];
    config.layer[i].window = windowed ? window : 0;
  }
}

void set_window_everywhere(const ConfigReader& reader, ModelConfig& config,
                           std::size_t absent_window) {
  const std::size_t window =
      reader.mentions("sliding_window") ? reader.size_or("sliding_window", 0) : absent_window;
  for (LayerConfig& layer : config.layer) {
    layer.window = window;
  }
}

void set_late_windows(const ConfigReader& reader, ModelConfig& config) {
  if (reader.flag_or("use_sliding_window", false)) {
    const std::size_t first = reader.size_or("max_window_layers", 28);
    set_windows(reader, config, reader.size_or("sliding_window", 4096),
                [&](std::size_t i) { return i >= first; });
  }
}

void configure_plain(const ConfigReader& r, const PlainKeys& keys, ModelConfig& c) {
  c.layers = r.size(keys.layers);
  c.heads = r.size(keys.heads);
  check_counts(c, r.where());
  c.kv_heads = c.heads;
  c.d_model = r.size(keys.d_model);
  c.d_head = c.d_model / c.heads;
  c.d_mlp = r.size_or(keys.d_mlp, 4 * c.d_model);
  c.vocab = r.size("vocab_size");
  c.context = r.size(keys.context);
  c.norm = NormKind::Layer;
  c.norm_epsilon = r.number_or("layer_norm_epsilon", 1e-5);
  c.activation =
      parse_activation(r.text_or("activation_function", "gelu_new"), r.at("activation_function"));
  c.gated = false;
  c.layer.resize(c.layers);
}

void require_mixture_everywhere(const ConfigReader& reader) {
  const Json* plain = reader.find("mlp_only_layers");
  const bool some_plain =
      plain != nullptr && !plain->as_array(reader.at("mlp_only_layers")).empty();
  if (some_plain || reader.size_or("decoder_sparse_step", 1) != 1) {
    fail(
        ErrorCode::Unsupported,
        "{}: a mixture in some layers only (mlp_only_layers, decoder_sparse_step) is not supported",
        reader.where());
  }
}

void require_flag(const ConfigReader& reader, std::string_view key, bool value) {
  if (reader.flag_or(key, value) != value) {
    fail(ErrorCode::Unsupported, "{} is {}, which is not supported", reader.at(key), !value);
  }
}

}  // namespace cajal
