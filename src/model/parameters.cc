#include "model/parameters.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "base/error.h"
#include "base/parallel.h"
#include "base/random.h"
#include "io/json.h"
#include "io/tensor.h"
#include "model/architecture.h"
#include "model/load/bind.h"

namespace cajal {
namespace {

constexpr double kDeviation = 0.02;

bool is_embedding(std::string_view name) {
  const auto has_part = [&](std::string_view part) {
    for (std::size_t at = name.find(part); at != std::string_view::npos;
         at = name.find(part, at + 1)) {
      const std::size_t end = at + part.size();
      if ((at == 0 || name[at - 1] == '.') && (end == name.size() || name[end] == '.')) {
        return true;
      }
    }
    return false;
  };
  return has_part("wte") || has_part("wpe") || has_part("embed_tokens");
}

ParameterSpec spec(std::string name, std::vector<std::size_t> shape,
                   FreshValue fresh = FreshValue::Normal) {
  const bool decays = shape.size() >= 2 && !is_embedding(name);
  return {std::move(name), std::move(shape), decays, fresh};
}

MatrixShape rows_and_cols(std::span<const std::size_t> shape) {
  MatrixShape out;
  for (std::size_t i = 0; i + 1 < shape.size(); ++i) {
    out.rows *= shape[i];
  }
  out.cols = shape.empty() ? 1 : shape.back();
  return out;
}

/// Lists what bind_weights() will look for.
class FreshList {
 public:
  FreshList(const ModelConfig& config, const TensorNames& names)
      : config_(config), names_(names), biases_(config.family == "gpt2") {}

  std::vector<ParameterSpec> list() {
    const std::string& prefix = names_.prefixes.front();
    const std::size_t d = config_.d_model;
    add(prefix + names_.embed + ".weight", {config_.vocab, d});
    if (config_.learned_positions) {
      add(prefix + names_.positions + ".weight", {config_.context + config_.position_offset, d});
    }
    for (std::size_t i = 0; i < config_.layers; ++i) {
      layer(fmt::format("{}{}.{}.", prefix, names_.layers, i));
    }
    norm(prefix + names_.final_norm, d);
    if (!config_.tied) {
      add(names_.head + ".weight", {config_.vocab, d});
    }
    return std::move(specs_);
  }

 private:
  void add(std::string name, std::vector<std::size_t> shape,
           FreshValue fresh = FreshValue::Normal) {
    specs_.push_back(spec(std::move(name), std::move(shape), fresh));
  }
  void norm(const std::string& name, std::size_t width) {
    add(name + ".weight", {width},
        config_.norm_gain_offset != 0.0 ? FreshValue::Zero : FreshValue::One);
    if (config_.norm == NormKind::Layer) {
      add(name + ".bias", {width}, FreshValue::Zero);
    }
  }
  void projection(const std::string& name, std::size_t in, std::size_t out,
                  FreshValue fresh = FreshValue::Normal) {
    add(name + ".weight",
        names_.input_major ? std::vector<std::size_t>{in, out} : std::vector<std::size_t>{out, in},
        fresh);
    if (biases_) {
      add(name + ".bias", {out}, FreshValue::Zero);
    }
  }

  void layer(const std::string& at) {
    const std::size_t d = config_.d_model;
    norm(at + names_.attn_norm, d);
    attention(at);
    if (config_.norm_after) {
      norm(at + names_.attn_post_norm, d);
    }
    norm(at + names_.mlp_norm, d);
    if (config_.gated) {
      projection(at + names_.gate, d, config_.d_mlp);
    }
    projection(at + names_.up, d, config_.d_mlp);
    projection(at + names_.down, config_.d_mlp, d, FreshValue::Residual);
    if (config_.norm_after) {
      norm(at + names_.mlp_post_norm, d);
    }
  }

  void attention(const std::string& at) {
    const std::size_t d = config_.d_model;
    const std::size_t q = config_.q_width();
    const std::size_t kv = config_.kv_width();
    if (names_.packing == QkvPacking::Blocks) {
      projection(at + names_.qkv, d, q + 2 * kv);
    } else {
      projection(at + names_.q, d, q);
      projection(at + names_.k, d, kv);
      projection(at + names_.v, d, kv);
    }
    projection(at + names_.o, q, d, FreshValue::Residual);
    if (config_.qk_norm != QkNorm::None) {
      norm(at + names_.q_norm, config_.d_head);
      norm(at + names_.k_norm, config_.d_head);
    }
  }

  const ModelConfig& config_;
  const TensorNames& names_;
  bool biases_;
  std::vector<ParameterSpec> specs_;
};

double fresh_value(const ParameterSpec& spec, const ModelConfig& config, std::uint64_t seed,
                   std::uint64_t stream, std::uint64_t element) {
  const auto layers = static_cast<double>(config.layers);
  switch (spec.fresh) {
    case FreshValue::One:
      return 1.0;
    case FreshValue::Zero:
      return 0.0;
    case FreshValue::Residual:
      return kDeviation / std::sqrt(2.0 * layers) * random_normal(seed, stream, element);
    case FreshValue::Normal:
      break;
  }
  return kDeviation * random_normal(seed, stream, element);
}

/// A block, or two of equal specs, as a source of tensors.
class ParameterSource final : public TensorSource {
 public:
  ParameterSource(const Parameters& values, const Parameters* matrices)
      : values_(values), matrices_(matrices) {}

  std::optional<SourceTensor> find(std::string_view name) override {
    const auto i = values_.find(name);
    if (!i) {
      return std::nullopt;
    }
    const ParameterSpec& spec = values_.specs()[*i];
    const bool copy = matrices_ != nullptr && spec.shape.size() >= 2;
    return SourceTensor{copy ? matrices_->at(*i) : values_.at(*i), spec.shape};
  }
  std::string where() const override { return "the model being trained"; }
  void keep_alive(Weights& /*weights*/) override {}

 private:
  const Parameters& values_;
  const Parameters* matrices_;
};

/// Remembers which tensors of another source were asked for.
class RecordingSource final : public TensorSource {
 public:
  explicit RecordingSource(TensorSource& from) : from_(from) {}

  std::optional<SourceTensor> find(std::string_view name) override {
    auto found = from_.find(name);
    const auto known = [&](const auto& entry) { return entry.first == name; };
    if (found && std::none_of(found_.begin(), found_.end(), known)) {
      found_.emplace_back(name, *found);
    }
    return found;
  }
  std::string where() const override { return from_.where(); }
  void keep_alive(Weights& weights) override { from_.keep_alive(weights); }
  const std::vector<std::pair<std::string, SourceTensor>>& found() const { return found_; }

 private:
  TensorSource& from_;
  std::vector<std::pair<std::string, SourceTensor>> found_;
};

}  // namespace

Parameters::Parameters(std::vector<ParameterSpec> specs, DType dtype) : specs_(std::move(specs)) {
  constexpr std::size_t kAligned = 32;  // elements: 64 bytes of the narrowest type, bf16
  std::size_t end = 0;
  for (const ParameterSpec& each : specs_) {
    const MatrixShape shape = rows_and_cols(each.shape);
    places_.push_back({end, shape.rows, shape.cols});
    elements_ += shape.rows * shape.cols;
    end += (shape.rows * shape.cols + kAligned - 1) / kAligned * kAligned;
  }
  block_ = Matrix::host(1, end, dtype);
  std::memset(block_.ref().data, 0, end * size_of(dtype));
}

std::optional<std::size_t> Parameters::find(std::string_view name) const {
  for (std::size_t i = 0; i < specs_.size(); ++i) {
    if (specs_[i].name == name) {
      return i;
    }
  }
  return std::nullopt;
}

std::vector<ParameterSpec> fresh_parameters(const ModelConfig& config) {
  if (config.family != "llama" && config.family != "gpt2" && config.family != "qwen3" &&
      config.family != "gemma2") {
    fail(ErrorCode::Unsupported,
         "a model of family '{}' cannot be grown; these can: llama, gpt2, qwen3, gemma2",
         config.family);
  }
  return FreshList(config, family_of(config.family, "the model being trained").names).list();
}

void initialize(Parameters& parameters, const ModelConfig& config, std::uint64_t seed) {
  for (std::size_t i = 0; i < parameters.specs().size(); ++i) {
    const ParameterSpec& spec = parameters.specs()[i];
    const MatRef to = parameters.at(i);
    Matrix values = Matrix::host(to.rows, to.cols, DType::F64);
    const MatrixView<double> all = values.as<double>();
    parallel_for(to.rows * to.cols, 4096, [&](std::size_t begin, std::size_t end) {
      for (std::size_t e = begin; e < end; ++e) {
        all.data[e] = fresh_value(spec, config, seed, i, e);
      }
    });
    convert(std::as_const(values).ref(), to);
  }
}

Parameters load_parameters(const std::filesystem::path& folder, DType dtype) {
  const std::string file = (folder / "config.json").string();
  ModelConfig config = model_config(Json::load(file), file);
  const auto source = open_safetensors_source(folder);
  RecordingSource recording(*source);
  const Weights bound = bind_weights(config, family_of(config.family, file).names, recording);
  std::vector<ParameterSpec> specs;
  for (const auto& [name, tensor] : recording.found()) {
    specs.push_back(spec(name, tensor.shape));
  }
  Parameters out(std::move(specs), dtype);
  for (std::size_t i = 0; i < out.specs().size(); ++i) {
    convert(recording.found()[i].second.matrix, out.at(i));
  }
  return out;
}

std::shared_ptr<const Model> model_of(const ModelConfig& config,
                                      std::shared_ptr<const Parameters> values,
                                      std::shared_ptr<const Parameters> matrices,
                                      std::string name) {
  ModelConfig own = config;
  ParameterSource source(*values, matrices.get());
  Weights weights = bind_weights(own, family_of(config.family, name).names, source);
  weights.files.push_back(std::move(values));
  if (matrices != nullptr) {
    weights.files.push_back(std::move(matrices));
  }
  return std::make_shared<const Model>(std::move(own), std::move(weights), std::move(name));
}

Gradients::Gradients(const ModelConfig& config, Parameters& values) : values_(&values) {
  ModelConfig own = config;
  ParameterSource source(values, nullptr);
  weights_ = bind_weights(own, family_of(config.family, "gradients").names, source);
  if (!weights_.owned.empty()) {
    fail(ErrorCode::Unsupported, "training {} is not supported: its norms of heads are packed",
         config.family);
  }
}

MatRef Gradients::at(ConstMatRef place) const {
  const MatRef all = values_->all();
  return {all.data + (place.data - all.data),
          place.rows,
          place.cols,
          place.stride,
          place.dtype,
          place.device};
}

}  // namespace cajal
