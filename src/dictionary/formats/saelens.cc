// SAELens's folders, versions 2 to 6, and its training checkpoints:
//   sae_weights.safetensors: W_enc [d, F], W_dec [F, d_out], b_dec; b_enc, or for gated b_gate,
//   b_mag and r_mag; threshold (older checkpoints: log_threshold), W_skip [d_out, d_in]; cfg.json.
// Its JumpReLU and TopK drop what is negative. `normalize_activations: expected_average_only_in` is
// folded into the weights at the end of training and not applied by whoever reads the folder.
#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "dictionary/fold.h"
#include "dictionary/formats/format.h"
#include "dictionary/formats/naming.h"

namespace cajal {
namespace {

constexpr std::string_view kWeights = "sae_weights.safetensors";

class SaeLens {
 public:
  SaeLens(const PublishedFiles& files, const LoadOptions& options)
      : options_(options),
        config_path_((files.folder() / "cfg.json").string()),
        config_(Json::load(config_path_)),
        file_(TensorFile::open(files.folder() / kWeights)),
        builder_("saelens", files) {
    builder_.info.name = files.folder().string();
    builder_.keep(file_);
  }

  Builder load() {
    file_->allow_only({"W_enc", "W_dec", "b_enc", "b_dec", "threshold", "log_threshold",
                       "topk_threshold", "scaling_factor", "b_gate", "b_mag", "r_mag", "W_skip"});
    check_scaling_factor();
    read_architecture();
    DictionaryLayer layer;
    layer.w_enc = {builder_.matrix(file_->at("W_enc")), Transpose::Yes};
    layer.w_dec = builder_.matrix(file_->at("W_dec"));
    layer.b_dec = builder_.vector(file_->at("b_dec"));
    layer.b_enc = builder_.vector(file_->at(architecture_ == "gated" ? "b_gate" : "b_enc"));
    if (const StoredTensor* skip = file_->find("W_skip")) {
      layer.w_skip = {builder_.matrix(*skip)};
    }
    layer.activation = activation(layer);
    set_scaling(layer);
    set_place(layer);
    check_sizes(layer);
    builder_.layers.push_back(std::move(layer));
    return std::move(builder_);
  }

 private:
  std::string where(std::string_view key) const { return config_path_ + ": " + std::string(key); }
  /// From the top, or from "metadata", where newer versions keep what does not change numbers.
  const Json* find(std::string_view key) const {
    const Json* metadata = config_.find_value("metadata");
    const Json* value = metadata == nullptr ? nullptr : metadata->find_value(key);
    return value == nullptr ? config_.find_value(key) : value;
  }
  std::string text(std::string_view key) const {
    const Json* value = find(key);
    return value == nullptr || !value->is_string() ? "" : value->as_string("");
  }
  bool flag(std::string_view key, bool otherwise) const {
    const Json* value = config_.find_value(key);
    return value == nullptr ? otherwise : value->as_bool(where(key));
  }

  void check_scaling_factor() {
    const StoredTensor* factor = file_->find("scaling_factor");
    if (factor == nullptr) {
      return;
    }
    const std::vector<float> values = builder_.vector(*factor);
    if (std::any_of(values.begin(), values.end(), [](float x) { return x != 1.0F; })) {
      fail(ErrorCode::Unsupported,
           "{}: has a scaling_factor other than 1 for its features (from fine-tuning), which the "
           "current SAELens refuses too",
           file_->name());
    }
  }

  void read_architecture() {
    const Json* named = config_.find_value("architecture");
    architecture_ = named == nullptr ? "standard" : named->as_string(where("architecture"));
    const Json* function = config_.find_value("activation_fn_str");
    if (function != nullptr && architecture_ == "standard") {
      const std::string& name = function->as_string(where("activation_fn_str"));
      if (name != "relu" && name != "topk") {
        fail(ErrorCode::Unsupported, "{}: the activation function '{}' is not known", config_path_,
             printable(name));
      }
      architecture_ = name == "topk" ? "topk" : architecture_;
    }
    constexpr std::string_view kTranscoder = "transcoder";
    is_transcoder_ = architecture_.ends_with(kTranscoder);
    builder_.info.kind = is_transcoder_ ? DictionaryKind::Transcoder : DictionaryKind::Sae;
  }

  double k() const {
    const Json* found = config_.find_value("k");
    const Json* arguments = config_.find_value("activation_fn_kwargs");
    if (found == nullptr && arguments != nullptr) {
      found = arguments->find_value("k");
    }
    if (options_.k) {
      return *options_.k;
    }
    if (found == nullptr) {
      fail(ErrorCode::CorruptData, "{}: does not say k", config_path_);
    }
    return found->as_double(where("k"));
  }

  ActivationFunction activation(DictionaryLayer& layer) {
    if (architecture_ == "gated") {
      return gated();
    }
    if (architecture_.starts_with("jumprelu")) {
      return {.kind = ActivationKind::JumpRelu, .threshold = thresholds()};
    }
    if (architecture_ == "topk" || architecture_ == "abstopk") {
      rescale(layer, false);
      return {.kind = architecture_ == "topk" ? ActivationKind::TopK : ActivationKind::AbsTopK,
              .k = k()};
    }
    if (architecture_ == "batchtopk" || architecture_ == "matryoshka_batchtopk") {
      return batch_top_k(layer);
    }
    if (architecture_ != "standard" && architecture_ != "transcoder" &&
        architecture_ != "skip_transcoder") {
      fail(ErrorCode::Unsupported, "{}: the architecture '{}' is not known", config_path_,
           printable(architecture_));
    }
    return {};
  }

  ActivationFunction gated() {
    std::vector<float> scale = builder_.vector(file_->at("r_mag"));
    std::transform(scale.begin(), scale.end(), scale.begin(),
                   [](float r) { return static_cast<float>(std::exp(static_cast<double>(r))); });
    return {.kind = ActivationKind::Gated,
            .magnitude_scale = std::move(scale),
            .magnitude_bias = builder_.vector(file_->at("b_mag"))};
  }

  std::vector<float> thresholds() {
    if (const StoredTensor* plain = file_->find("threshold")) {
      return builder_.vector(*plain);
    }
    std::vector<float> out = builder_.vector(file_->at("log_threshold"));
    std::transform(out.begin(), out.end(), out.begin(),
                   [](float t) { return static_cast<float>(std::exp(static_cast<double>(t))); });
    return out;
  }

  ActivationFunction batch_top_k(DictionaryLayer& layer) {
    rescale(layer, true);
    ActivationFunction out{.kind = ActivationKind::BatchTopK, .k = k()};
    if (const StoredTensor* threshold = file_->find("topk_threshold")) {
      out.threshold = builder_.vector(*threshold, layer.w_dec.rows);
    }
    builder_.note(fmt::format(
        "{} is a training checkpoint: BatchTopK selects among all tokens that are encoded at once",
        builder_.info.name));
    return out;
  }

  void rescale(DictionaryLayer& layer, bool otherwise) const {
    if (flag("rescale_acts_by_decoder_norm", otherwise)) {
      layer.feature_scale = decoder_norms(layer.w_dec);
    }
  }

  void set_scaling(DictionaryLayer& layer) {
    const Json* named = config_.find_value("normalize_activations");
    std::string kind = "none";
    if (named != nullptr) {
      kind = !named->is_bool()    ? named->as_string(where("normalize_activations"))
             : named->as_bool("") ? "expected_average_only_in"
                                  : "none";
    }
    if (kind == "layer_norm") {
      layer.scaling = InputScaling::LayerNorm;
    } else if (kind == "constant_norm_rescale") {
      layer.scaling = InputScaling::ConstantNorm;
    } else if (kind != "none" && kind != "expected_average_only_in") {
      fail(ErrorCode::Unsupported, "{}: the normalisation '{}' is not known", config_path_,
           printable(kind));
    }
    layer.undoes_scaling = layer.scaling != InputScaling::None && !is_transcoder_;
    if (!is_transcoder_ && flag("apply_b_dec_to_input", true)) {
      layer.pre_bias = layer.b_dec;
    }
  }

  void set_place(DictionaryLayer& layer) {
    layer.input_point = text("hook_name");
    if (layer.input_point.empty()) {
      layer.input_point = text("hook_point");
    }
    layer.output_point = is_transcoder_ ? text("hook_name_out") : layer.input_point;
    layer.layer = layer_of_hook(layer.input_point).value_or(0);
    builder_.info.model_name = text("model_name");
    builder_.info.metadata = config_;
  }

  void check_sizes(const DictionaryLayer& layer) const {
    const auto compare = [&](std::string_view key, std::size_t size) {
      const Json* value = config_.find_value(key);
      if (value != nullptr && value->as_int(where(key)) != static_cast<std::int64_t>(size)) {
        fail(ErrorCode::CorruptData, "{}: says {}, but the weights have {}", where(key),
             value->as_int(""), size);
      }
    };
    compare("d_in", layer.d_in());
    compare("d_sae", layer.features());
    compare("d_out", layer.d_out());
  }

  const LoadOptions& options_;
  std::string config_path_;
  Json config_;
  std::shared_ptr<const TensorFile> file_;
  Builder builder_;
  std::string architecture_;
  bool is_transcoder_ = false;
};

}  // namespace

bool matches_saelens(const PublishedFiles& files) {
  return files.has({"cfg.json", kWeights});
}

Builder load_saelens(const PublishedFiles& files, const LoadOptions& options) {
  return SaeLens(files, options).load();
}

}  // namespace cajal
