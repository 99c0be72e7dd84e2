#include "model/load/bind.h"

#include <cmath>

#include "base/error.h"
#include "io/tensor.h"

namespace cajal {
namespace {

/// x rounded to a half-precision type. Of the wider ones nothing is rounded away here: an f32
/// backend rounds by itself, and the double one gives the exact mathematics.
double rounded_to(double x, DType dtype) {
  switch (dtype) {
    case DType::BF16:
      return static_cast<double>(widen(to_bf16(static_cast<float>(x))));
    case DType::F16: {
      int exponent = 0;
      const double fraction = std::frexp(x, &exponent);  // 11 bits; the range is not in question
      return std::ldexp(std::nearbyint(std::ldexp(fraction, 11)), exponent - 11);
    }
    default:
      return x;
  }
}

class Binder {
 public:
  Binder(const ModelConfig& config, const TensorNames& names, TensorSource& source)
      : config_(config), names_(names), source_(source) {
    prefix_ = find_prefix();
  }

  Weights bind() {
    weights_.embeddings = matrix(prefix_ + names_.embed + ".weight", config_.vocab, d_model());
    if (config_.learned_positions) {
      weights_.positions = matrix(prefix_ + names_.positions + ".weight",
                                  config_.context + config_.position_offset, d_model());
    }
    for (std::size_t i = 0; i < config_.layers; ++i) {
      weights_.layers.push_back(layer(fmt::format("{}{}.{}.", prefix_, names_.layers, i)));
    }
    weights_.final_norm = norm(prefix_, names_.final_norm, 1, d_model());
    weights_.head = config_.tied ? Projection{weights_.embeddings, {}, false} : head();
    source_.keep_alive(weights_);
    return std::move(weights_);
  }

 private:
  std::size_t d_model() const { return config_.d_model; }

  std::string find_prefix() {
    for (const std::string& prefix : names_.prefixes) {
      if (source_.find(prefix + names_.embed + ".weight")) {
        return prefix;
      }
    }
    fail(ErrorCode::NotFound, "{}: has no tensor '{}{}.weight', so it is no {} model",
         source_.where(), names_.prefixes.front(), names_.embed, config_.family);
  }

  /// Absent: an empty view. `name` is complete.
  ConstMatRef optional_matrix(const std::string& name, std::size_t rows, std::size_t cols) {
    const auto found = source_.find(name);
    if (!found) {
      return {};
    }
    const bool flat = found->shape.size() <= 2 || names_.stacked_experts;
    if (found->matrix.rows != rows || found->matrix.cols != cols || !flat) {
      fail(ErrorCode::CorruptData, "{}: tensor '{}' is {}, the configuration asks for [{}, {}]",
           source_.where(), name, shape_text(found->shape), rows, cols);
    }
    if (!is_float(found->matrix.dtype)) {
      fail(ErrorCode::Unsupported, "{}: tensor '{}' holds {}, which cannot be a weight",
           source_.where(), name, name_of(found->matrix.dtype));
    }
    weights_.parameters += rows * cols;
    weights_.bytes += rows * cols * size_of(found->matrix.dtype);
    return found->matrix;
  }

  ConstMatRef matrix(const std::string& name, std::size_t rows, std::size_t cols) {
    const ConstMatRef m = optional_matrix(name, rows, cols);
    if (!m) {
      fail(ErrorCode::NotFound, "{}: tensor '{}' is missing", source_.where(), name);
    }
    return m;
  }

  Projection projection(const std::string& name, std::size_t in, std::size_t out) {
    const bool swapped = names_.input_major;
    return {matrix(name + ".weight", swapped ? in : out, swapped ? out : in),
            optional_matrix(name + ".bias", 1, out), swapped};
  }

  /// Heads and routers are never stored [in, out].
  Projection plain_projection(const std::string& name, std::size_t in, std::size_t out) {
    return {matrix(name + ".weight", out, in), optional_matrix(name + ".bias", 1, out), false};
  }

  /// Outputs [begin, begin + count) of a packed projection.
  static Projection part(const Projection& packed, std::size_t begin, std::size_t count) {
    Projection p = packed;
    p.weight = packed.input_major ? packed.weight.col_range(begin, count)
                                  : packed.weight.row_range(begin, count);
    if (packed.bias) {
      p.bias = packed.bias.col_range(begin, count);
    }
    return p;
  }

  NormWeights norm(const std::string& at, const std::string& name, std::size_t rows,
                   std::size_t width) {
    if (name.empty()) {
      return {};
    }
    return {matrix(at + name + ".weight", rows, width),
            optional_matrix(at + name + ".bias", 1, width)};
  }

  NormWeights head_norm(const std::string& at, const std::string& name, std::size_t heads) {
    if (config_.qk_norm == QkNorm::Whole) {
      return norm(at, name, 1, heads * config_.d_head);
    }
    if (names_.one_norm_tensor_per_head) {
      return {stacked_norm(at + name, heads), {}};
    }
    const auto found = source_.find(at + name + ".weight");
    const bool per_head = found && found->matrix.rows == heads && heads != 1;
    return norm(at, name, per_head ? heads : 1, config_.d_head);
  }

  ConstMatRef stacked_norm(const std::string& name, std::size_t heads) {
    Matrix all = Matrix::host(heads, config_.d_head, DType::F32);
    for (std::size_t h = 0; h < heads; ++h) {
      convert(matrix(fmt::format("{}.{}.weight", name, h), 1, config_.d_head),
              all.ref().row_range(h, 1));
    }
    weights_.owned.push_back(std::move(all));
    return std::as_const(weights_.owned.back()).ref();
  }

  void bind_qkv(const std::string& at, LayerWeights& w) {
    const std::size_t q_width = config_.q_width();
    const std::size_t kv_width = config_.kv_width();
    switch (names_.packing) {
      case QkvPacking::Separate:
        w.q = projection(at + names_.q, d_model(), q_width);
        w.k = projection(at + names_.k, d_model(), kv_width);
        w.v = projection(at + names_.v, d_model(), kv_width);
        break;
      case QkvPacking::Blocks: {
        const Projection packed = projection(at + names_.qkv, d_model(), q_width + 2 * kv_width);
        w.q = part(packed, 0, q_width);
        w.k = part(packed, q_width, kv_width);
        w.v = part(packed, q_width + kv_width, kv_width);
        break;
      }
      case QkvPacking::PerHead:
        if (config_.kv_heads != config_.heads) {
          fail(ErrorCode::CorruptData,
               "{}: num_key_value_heads is {}, but this family packs one of each for all {} heads",
               source_.where(), config_.kv_heads, config_.heads);
        }
        w.qkv_per_head = projection(at + names_.qkv, d_model(), 3 * q_width);
        break;
    }
    w.o = projection(at + names_.o, q_width, d_model());
    if (config_.qk_norm != QkNorm::None) {
      w.q_norm = head_norm(at, names_.q_norm, config_.heads);
      w.k_norm = head_norm(at, names_.k_norm, config_.kv_heads);
    }
    if (!names_.sinks.empty()) {
      w.sinks = matrix(at + names_.sinks, 1, config_.heads);
    }
  }

  MlpWeights mlp(const std::string& at, std::size_t width, const std::string& gate,
                 const std::string& up, const std::string& down) {
    MlpWeights w;
    if (config_.gated) {
      w.gate = projection(at + gate, d_model(), width);
    }
    w.up = projection(at + up, d_model(), width);
    w.down = projection(at + down, width, d_model());
    return w;
  }

  MlpWeights dense_mlp(const std::string& at) {
    if (names_.gate_up.empty()) {
      return mlp(at, config_.d_mlp, names_.gate, names_.up, names_.down);
    }
    const Projection packed = projection(at + names_.gate_up, d_model(), 2 * config_.d_mlp);
    return {part(packed, 0, config_.d_mlp),
            part(packed, config_.d_mlp, config_.d_mlp),
            projection(at + names_.down, config_.d_mlp, d_model()),
            {}};
  }

  /// gpt_oss: [experts, in, out] in one tensor, biases [experts, out] in another.
  std::vector<MlpWeights> stacked_experts(const std::string& at) {
    const MixtureConfig& m = config_.mixture;
    const std::string stem = at + names_.experts;
    const ConstMatRef gate_up =
        matrix(stem + ".gate_up_proj", m.experts * d_model(), 2 * m.d_expert);
    const ConstMatRef gate_up_bias = matrix(stem + ".gate_up_proj_bias", m.experts, 2 * m.d_expert);
    const ConstMatRef down = matrix(stem + ".down_proj", m.experts * m.d_expert, d_model());
    const ConstMatRef down_bias = matrix(stem + ".down_proj_bias", m.experts, d_model());
    std::vector<MlpWeights> out(m.experts);
    for (std::size_t e = 0; e < m.experts; ++e) {
      out[e].interleaved_gate_up = {gate_up.row_range(e * d_model(), d_model()),
                                    gate_up_bias.row_range(e, 1), true};
      out[e].down = {down.row_range(e * m.d_expert, m.d_expert), down_bias.row_range(e, 1), true};
    }
    return out;
  }

  void bind_mixture(const std::string& at, LayerWeights& w) {
    const MixtureConfig& m = config_.mixture;
    w.router = plain_projection(at + names_.router, d_model(), m.experts);
    if (names_.stacked_experts) {
      w.experts = stacked_experts(at);
    } else {
      for (std::size_t e = 0; e < m.experts; ++e) {
        w.experts.push_back(mlp(fmt::format("{}{}.{}.", at, names_.experts, e), m.d_expert,
                                names_.expert_gate, names_.expert_up, names_.expert_down));
      }
    }
    if (m.d_shared != 0) {
      w.shared = mlp(at + names_.shared_expert + ".", m.d_shared, names_.expert_gate,
                     names_.expert_up, names_.expert_down);
      w.shared_gate = plain_projection(at + names_.shared_gate, d_model(), 1);
    }
  }

  LayerWeights layer(const std::string& at) {
    LayerWeights w;
    if (config_.norm_before) {
      w.attn_norm = norm(at, names_.attn_norm, 1, d_model());
      w.mlp_norm = config_.shared_norm ? w.attn_norm : norm(at, names_.mlp_norm, 1, d_model());
    }
    if (config_.norm_after) {
      w.attn_post_norm = norm(at, names_.attn_post_norm, 1, d_model());
      w.mlp_post_norm = norm(at, names_.mlp_post_norm, 1, d_model());
    }
    bind_qkv(at, w);
    if (config_.mixture.experts != 0) {
      bind_mixture(at, w);
    } else {
      w.mlp = dense_mlp(at);
    }
    return w;
  }

  Projection head() {
    const std::size_t model = prefix_.rfind("model.");  // "language_model.model." holds two
    const std::string outer = model == std::string::npos ? prefix_ : prefix_.substr(0, model);
    const bool plain = source_.find(names_.head + ".weight").has_value();
    return plain_projection((plain ? "" : outer) + names_.head, d_model(), config_.vocab);
  }

  const ModelConfig& config_;
  const TensorNames& names_;
  TensorSource& source_;
  std::string prefix_;
  Weights weights_;
};

}  // namespace

Weights bind_weights(ModelConfig& config, const TensorNames& names, TensorSource& source) {
  Weights weights = Binder(config, names, source).bind();
  if (config.round_embedding_scale) {
    config.embedding_scale = rounded_to(config.embedding_scale, weights.embeddings.dtype);
  }
  return weights;
}

}  // namespace cajal
