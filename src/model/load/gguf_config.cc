#include "model/load/gguf_config.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/error.h"

namespace cajal {
namespace {

/// Metadata under "<architecture>.".
class Reader {
 public:
  Reader(const Gguf& file, std::string architecture)
      : file_(file), architecture_(std::move(architecture)) {}

  std::string key(std::string_view name) const { return fmt::format("{}.{}", architecture_, name); }
  std::size_t size(std::string_view name) const { return to_size(name, file_.int_at(key(name))); }
  std::size_t size_or(std::string_view name, std::size_t fallback) const {
    const auto x = file_.find_int(key(name));
    return x ? to_size(name, *x) : fallback;
  }
  double number_or(std::string_view name, double fallback) const {
    return file_.find_float(key(name)).value_or(fallback);
  }
  /// A number, or an array with the same number for every layer.
  std::size_t uniform_or(std::string_view name, std::size_t fallback) const {
    const auto all = file_.find_ints(key(name));
    if (!all || all->empty()) {
      return fallback;
    }
    for (const std::int64_t x : *all) {
      if (x != all->front()) {
        fail(ErrorCode::Unsupported, "{}: {} differs between layers, which is not supported",
             file_.name(), key(name));
      }
    }
    return to_size(name, all->front());
  }
  const Gguf& file() const { return file_; }

 private:
  std::size_t to_size(std::string_view name, std::int64_t x) const {
    if (x < 0) {
      fail(ErrorCode::CorruptData, "{}: {} is {}, must not be negative", file_.name(), key(name),
           x);
    }
    return static_cast<std::size_t>(x);
  }

  const Gguf& file_;
  std::string architecture_;
};

/// One number for each rotated pair. Looked at before anything is decoded: a damaged file may give
/// the tensor any shape.
std::vector<double> factors_of(const Gguf& file, std::string_view name, std::size_t pairs) {
  const StoredTensor& tensor = file.at(name);
  if (tensor.shape.size() != 1 || tensor.shape[0] != pairs) {
    fail(ErrorCode::CorruptData,
         "{}: tensor '{}' is {}, must have {} entries (half the rotated columns)", file.name(),
         name, shape_text(tensor.shape), pairs);
  }
  const Matrix m = decode(tensor);
  std::vector<double> out;
  for (std::size_t c = 0; c < m.cols(); ++c) {
    out.push_back(element(m.ref(), 0, c));
  }
  return out;
}

void read_scaling(const Reader& r, RopeConfig& rope) {
  const std::string type(r.file().find_string(r.key("rope.scaling.type")).value_or("linear"));
  const double factor = r.number_or("rope.scaling.factor", r.number_or("rope.scale_linear", 1.0));
  rope.original_context = r.number_or("rope.scaling.original_context_length",
                                      static_cast<double>(r.size_or("context_length", 0)));
  const auto attn_factor = r.file().find_float(r.key("rope.scaling.attn_factor"));
  if (type == "yarn") {
    rope.scaling = RopeScaling::Yarn;
    rope.factor = factor;
    rope.attention_factor =
        (factor <= 1.0 ? 1.0 : 0.1 * std::log(factor) + 1.0) * attn_factor.value_or(1.0);
  } else if (type == "linear" && factor != 1.0 && factor > 0.0) {
    rope.scaling = RopeScaling::Linear;
    rope.factor = factor;
  } else if (type != "linear" && type != "none" && type != "longrope") {
    fail(ErrorCode::Unsupported,
         "{}: {} '{}' is not supported (none, linear, yarn and longrope are)", r.file().name(),
         r.key("rope.scaling.type"), type.substr(0, 60));
  }
  if (r.file().find("rope_freqs.weight") != nullptr) {
    rope.scaling = RopeScaling::Divisors;
    rope.short_factor = factors_of(r.file(), "rope_freqs.weight", rope.dims / 2);
  } else if (r.file().find("rope_factors_long.weight") != nullptr) {
    rope.scaling = RopeScaling::LongRope;
    rope.long_factor = factors_of(r.file(), "rope_factors_long.weight", rope.dims / 2);
    rope.short_factor = factors_of(r.file(), "rope_factors_short.weight", rope.dims / 2);
    rope.attention_factor = attn_factor.value_or(1.0);
  }
}

RopeConfig read_rope(const Reader& r, const ModelConfig& c) {
  RopeConfig rope;
  rope.theta = r.number_or("rope.freq_base", 10000.0);
  rope.dims = r.size_or("rope.dimension_count", c.d_head);
  read_scaling(r, rope);
  return rope;
}

std::size_t rows_of(const Gguf& file, std::string_view name) {
  const StoredTensor& tensor = file.at(name);
  return tensor.shape.empty() ? 0 : tensor.shape[0];
}

void configure_sizes(const Reader& r, ModelConfig& c) {
  if (r.size_or("expert_count", 0) != 0) {
    fail(ErrorCode::Unsupported,
         "{}: {} is not 0; mixtures of experts are read from Hugging Face folders only",
         r.file().name(), r.key("expert_count"));
  }
  c.layers = r.size("block_count");
  c.heads = r.uniform_or("attention.head_count", 0);
  check_counts(c, r.file().name());
  c.kv_heads = r.uniform_or("attention.head_count_kv", c.heads);
  c.d_model = r.size("embedding_length");
  c.d_head = r.size_or("attention.key_length", c.d_model / c.heads);
  c.d_mlp = r.uniform_or("feed_forward_length", 0);
  c.context = r.size("context_length");
  c.vocab = rows_of(r.file(), "token_embd.weight");
  c.norm_epsilon = r.number_or("attention.layer_norm_rms_epsilon",
                               r.number_or("attention.layer_norm_epsilon", 1e-5));
  c.tied = r.file().find("output.weight") == nullptr;
  c.layer.resize(c.layers);
}

void configure_llama(const Reader& r, ModelConfig& c) {
  configure_sizes(r, c);
  c.ropes = {read_rope(r, c)};
  for (LayerConfig& layer : c.layer) {
    layer.rope = 0;
  }
}

void configure_qwen3(const Reader& r, ModelConfig& c) {
  configure_llama(r, c);
  c.qk_norm = QkNorm::PerHead;
}

void configure_phi3(const Reader& r, ModelConfig& c) {
  configure_llama(r, c);
  for (LayerConfig& layer : c.layer) {
    layer.window = r.size_or("attention.sliding_window", 0);
  }
}

void configure_gpt2(const Reader& r, ModelConfig& c) {
  configure_sizes(r, c);
  c.d_mlp = rows_of(r.file(), "blk.0.ffn_up.weight");  // converters write 4 * d whatever it is
  c.norm = NormKind::Layer;
  c.activation = Activation::GeluTanh;
  c.gated = false;
  c.learned_positions = true;
}

/// Every n-th layer is global (n - 1, 2 n - 1, ...), or one boolean a layer.
std::vector<bool> windowed_layers(const Reader& r, std::size_t layers, std::size_t fallback) {
  const std::string key = r.key("attention.sliding_window_pattern");
  const GgufValue* value = r.file().find_value(key);
  std::vector<bool> out;
  if (value != nullptr && value->is_array && value->kind == GgufKind::Bool) {
    for (const std::byte x : value->bytes) {
      out.push_back(x != std::byte{0});
    }
  } else if (value != nullptr && value->is_array) {
    const std::vector<std::int64_t> flags =
        r.file().find_ints(key).value_or(std::vector<std::int64_t>());
    std::transform(flags.begin(), flags.end(), std::back_inserter(out),
                   [](std::int64_t x) { return x != 0; });
  }
  if (value != nullptr && value->is_array) {
    if (out.size() != layers) {
      fail(ErrorCode::CorruptData, "{}: {} has {} entries, but there are {} layers",
           r.file().name(), key, out.size(), layers);
    }
    return out;
  }
  const std::size_t n =
      std::max<std::size_t>(r.size_or("attention.sliding_window_pattern", fallback), 1);
  for (std::size_t i = 0; i < layers; ++i) {
    out.push_back((i + 1) % n != 0);
  }
  return out;
}

void configure_gemma(const Reader& r, ModelConfig& c, std::size_t layers_of_27b) {
  configure_llama(r, c);
  c.activation = Activation::GeluTanh;
  c.norm_after = true;
  c.embedding_scale = std::sqrt(static_cast<double>(c.d_model));
  c.round_embedding_scale = true;
  const bool is_27b = c.layers == layers_of_27b;
  c.score_scale = 1.0 / std::sqrt(static_cast<double>(is_27b ? c.d_model / c.heads : c.d_head));
}

void configure_gemma2(const Reader& r, ModelConfig& c) {
  configure_gemma(r, c, 46);
  c.score_soft_cap = r.number_or("attn_logit_softcapping", 50.0);
  c.logit_soft_cap = r.number_or("final_logit_softcapping", 30.0);
  const std::size_t window = r.size_or("attention.sliding_window", 4096);
  const std::vector<bool> windowed = windowed_layers(r, c.layers, 2);
  for (std::size_t i = 0; i < c.layers; ++i) {
    c.layer[i].window = windowed[i] ? window : 0;
  }
}

void configure_gemma3(const Reader& r, ModelConfig& c) {
  configure_gemma(r, c, 62);
  c.qk_norm = QkNorm::PerHead;
  c.logit_soft_cap = r.number_or("final_logit_softcapping", 0.0);
  RopeConfig local;
  local.theta = r.number_or("rope.freq_base_swa", 10000.0);
  local.dims = c.ropes[0].dims;
  c.ropes.push_back(local);
  const std::size_t window = r.size_or("attention.sliding_window", 0);
  const std::vector<bool> windowed = windowed_layers(r, c.layers, 6);
  for (std::size_t i = 0; i < c.layers && window != 0; ++i) {
    c.layer[i] = {.window = windowed[i] ? window : 0, .rope = windowed[i] ? 1 : 0};
  }
}

TensorNames plain_names() {
  TensorNames names;
  names.prefixes = {""};
  names.embed = "token_embd";
  names.layers = "blk";
  names.final_norm = "output_norm";
  names.head = "output";
  names.attn_norm = "attn_norm";
  names.mlp_norm = "ffn_norm";
  names.q = "attn_q";
  names.k = "attn_k";
  names.v = "attn_v";
  names.o = "attn_output";
  names.q_norm = "attn_q_norm";
  names.k_norm = "attn_k_norm";
  names.gate = "ffn_gate";
  names.up = "ffn_up";
  names.down = "ffn_down";
  return names;
}

TensorNames packed_names() {
  TensorNames names = plain_names();
  names.qkv = "attn_qkv";
  names.packing = QkvPacking::Blocks;
  return names;
}

TensorNames phi3_names() {
  TensorNames names = packed_names();
  names.gate_up = "ffn_up";
  return names;
}

TensorNames gpt2_names() {
  TensorNames names = packed_names();
  names.positions = "position_embd";
  return names;
}

TensorNames gemma_names() {
  TensorNames names = plain_names();
  names.attn_post_norm = "post_attention_norm";
  names.mlp_post_norm = "post_ffw_norm";
  return names;
}

struct GgufArchitecture {
  std::string_view name;
  std::string_view family;
  void (*configure)(const Reader& reader, ModelConfig& config);
  TensorNames (*names)();
  bool permuted_qk = false;
};

constexpr std::array<GgufArchitecture, 7> kArchitectures = {{
    {"llama", "llama", configure_llama, plain_names, true},
    {"qwen2", "qwen2", configure_llama, plain_names},
    {"qwen3", "qwen3", configure_qwen3, plain_names},
    {"gemma2", "gemma2", configure_gemma2, gemma_names},
    {"gemma3", "gemma3_text", configure_gemma3, gemma_names},
    {"gpt2", "gpt2", configure_gpt2, gpt2_names},
    {"phi3", "phi3", configure_phi3, phi3_names},
}};

}  // namespace

GgufModel read_gguf_model(const Gguf& file) {
  const std::string name(file.string_at("general.architecture"));
  std::string known;
  for (const GgufArchitecture& a : kArchitectures) {
    if (a.name != name) {
      known += fmt::format("{}{}", known.empty() ? "" : ", ", a.name);
      continue;
    }
    GgufModel model;
    model.config.family = a.family;
    a.configure(Reader(file, name), model.config);
    validate(model.config, file.name());
    model.names = a.names();
    model.permuted_qk = a.permuted_qk;
    return model;
  }
  fail(ErrorCode::Unsupported, "{}: general.architecture '{}' is not supported; these are: {}",
       file.name(), printable(name), known);
}

}  // namespace cajal
