// saprmarks's dictionary_learning: ae.pt beside config.json, whose trainer.dict_class says what the
// tensors mean. AutoEncoderNew and JumpReluAutoEncoder do not subtract their bias from the input,
// all others do; nothing in the files says so. BatchTopK is run with its threshold, which is -1
// until training has estimated it.
#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "dictionary/formats/format.h"

namespace cajal {
namespace {

class DictionaryLearning {
 public:
  DictionaryLearning(const PublishedFiles& files, const LoadOptions& options)
      : options_(options),
        config_path_((files.folder() / "config.json").string()),
        config_(Json::load(config_path_)),
        trainer_(config_.at("trainer", config_path_)),
        class_(trainer_.at("dict_class", config_path_).as_string(config_path_ + ": dict_class")),
        file_(TensorFile::open(files.folder() / "ae.pt")),
        builder_("dictionary_learning", files) {
    builder_.keep(file_);
    builder_.info.name = files.folder().string();
    builder_.info.metadata = config_;
  }

  Builder load() {
    DictionaryLayer layer;
    if (file_->find("W_enc") != nullptr) {  // [d, F] and [F, d]
      layer.w_enc = {builder_.matrix(file_->at("W_enc")), Transpose::Yes};
      layer.w_dec = builder_.matrix(file_->at("W_dec"));
    } else {  // modules: [F, d] and [d, F]
      layer.w_enc = {builder_.matrix(file_->at("encoder.weight"))};
      layer.w_dec = builder_.transposed(builder_.matrix(file_->at("decoder.weight")));
    }
    layer.b_dec = builder_.vector(first({"b_dec", "bias", "decoder_bias", "decoder.bias"}));
    layer.b_enc = builder_.vector(first({"b_enc", "encoder.bias", "gate_bias"}));
    layer.activation = activation(layer.features());
    if (class_ != "AutoEncoderNew" && class_ != "JumpReluAutoEncoder") {
      layer.pre_bias = layer.b_dec;
    }
    set_place(layer);
    builder_.layers.push_back(std::move(layer));
    return std::move(builder_);
  }

 private:
  const StoredTensor& first(std::initializer_list<std::string_view> names) const {
    for (const std::string_view name : names) {
      if (const StoredTensor* tensor = file_->find(name)) {
        return *tensor;
      }
    }
    return file_->at(*names.begin());
  }

  ActivationFunction activation(std::size_t features) {
    if (class_ == "AutoEncoder" || class_ == "AutoEncoderNew") {
      return {};
    }
    if (class_ == "GatedAutoEncoder") {
      return gated();
    }
    if (class_ == "AutoEncoderTopK") {
      ActivationFunction out{.kind = ActivationKind::TopK, .k = options_.k ? *options_.k : k()};
      if (const StoredTensor* threshold = file_->find("threshold")) {
        out.threshold = builder_.vector(*threshold, features);
      }
      return out;
    }
    if (class_ == "JumpReluAutoEncoder") {
      return {.kind = ActivationKind::JumpRelu,
              .threshold = builder_.vector(file_->at("threshold"), features)};
    }
    if (class_ == "BatchTopKSAE" || class_ == "MatryoshkaBatchTopKSAE") {
      return by_threshold(features);
    }
    fail(ErrorCode::Unsupported, "{}: the dict_class '{}' is not known", config_path_,
         printable(class_));
  }

  double k() {
    const std::vector<float> values = builder_.vector(file_->at("k"));
    if (values.size() != 1) {
      fail(ErrorCode::CorruptData, "{}: tensor 'k' should be one number, but has {}", file_->name(),
           values.size());
    }
    return static_cast<double>(values[0]);
  }

  ActivationFunction gated() {
    std::vector<float> scale = builder_.vector(file_->at("r_mag"));
    std::transform(scale.begin(), scale.end(), scale.begin(),
                   [](float r) { return static_cast<float>(std::exp(static_cast<double>(r))); });
    return {.kind = ActivationKind::Gated,
            .magnitude_scale = std::move(scale),
            .magnitude_bias = builder_.vector(file_->at("mag_bias"))};
  }

  ActivationFunction by_threshold(std::size_t features) {
    ActivationFunction out{.kind = ActivationKind::JumpRelu,
                           .threshold = builder_.vector(file_->at("threshold"), features)};
    if (!out.threshold.empty() && out.threshold[0] < 0.0F) {
      builder_.note(fmt::format(
          "{}: its threshold was never estimated, so every positive pre-activation fires",
          builder_.info.name));
      std::fill(out.threshold.begin(), out.threshold.end(), 0.0F);
    }
    return out;
  }

  void set_place(DictionaryLayer& layer) {
    const Json* number = trainer_.find_value("layer");
    const Json* module = trainer_.find_value("submodule_name");
    const Json* model = trainer_.find_value("lm_name");
    if (number != nullptr && number->is_int() && number->as_int("") >= 0) {
      layer.layer = static_cast<std::size_t>(number->as_int(""));
    }
    for (const std::string_view stem : {"resid_post", "mlp_out", "attn_out"}) {
      if (module != nullptr && module->is_string() && module->as_string("").starts_with(stem)) {
        layer.input_point = fmt::format("{}.{}", stem, layer.layer);
      }
    }
    layer.output_point = layer.input_point;
    if (model != nullptr && model->is_string()) {
      builder_.info.model_name = model->as_string("");
    }
  }

  const LoadOptions& options_;
  std::string config_path_;
  Json config_;
  const Json& trainer_;
  std::string class_;
  std::shared_ptr<const TensorFile> file_;
  Builder builder_;
};

}  // namespace

bool matches_dictionary_learning(const PublishedFiles& files) {
  const bool there = files.has({"ae.pt"});
  return there && std::filesystem::exists(files.folder() / "config.json");
}

Builder load_dictionary_learning(const PublishedFiles& files, const LoadOptions& options) {
  return DictionaryLearning(files, options).load();
}

}  // namespace cajal
