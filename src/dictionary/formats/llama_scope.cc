// Llama Scope: encoder.weight [F, d], decoder.weight [d, F] with biases, in
// checkpoints/final.safetensors beside hyperparams.json. One threshold for all features; inputs are
// scaled so that their mean norm is sqrt(d), and forgetting that is the usual reason for bad
// reconstructions.
// The R1 variant has sae_weights.safetensors with log_jumprelu_threshold [F] beside config.json;
// its scale is in neither.
#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "dictionary/formats/format.h"
#include "dictionary/formats/naming.h"

namespace cajal {
namespace {

constexpr std::string_view kWeights = "sae_weights.safetensors";
constexpr std::string_view kCheckpoint = "checkpoints/final.safetensors";

DictionaryLayer layer_of(const TensorFile& file, Builder& builder, const Json& config,
                         const std::string& path) {
  builder.info.metadata = config;
  const std::string& act = config.at("act_fn", path).as_string(path + ": act_fn");
  if (act != "jumprelu") {
    fail(ErrorCode::Unsupported, "{}: act_fn is '{}'; only jumprelu is known", path,
         printable(act));
  }
  DictionaryLayer layer{.w_enc = {builder.matrix(file.at("encoder.weight"))},
                        .w_dec = builder.transposed(builder.matrix(file.at("decoder.weight"))),
                        .b_enc = builder.vector(file.at("encoder.bias")),
                        .b_dec = builder.vector(file.at("decoder.bias")),
                        .activation = {.kind = ActivationKind::JumpRelu}};
  layer.input_point = config.at("hook_point_in", path).as_string(path + ": hook_point_in");
  const Json* out = config.find_value("hook_point_out");
  layer.output_point = out == nullptr ? layer.input_point : out->as_string(path);
  layer.layer = layer_of_hook(layer.input_point).value_or(0);
  builder.info.kind =
      layer.output_point == layer.input_point ? DictionaryKind::Sae : DictionaryKind::Transcoder;
  const Json* subtract = config.find_value("apply_decoder_bias_to_pre_encoder");
  if (subtract != nullptr && subtract->as_bool(path)) {
    layer.pre_bias = layer.b_dec;
  }
  return layer;
}

/// Sets the scale of the input, and the threshold, which is in units of the unscaled input.
void set_scale(DictionaryLayer& layer, const Json& config, const std::string& path) {
  double scale = 1.0;
  const Json* kind = config.find_value("norm_activation");
  if (kind != nullptr && kind->as_string(path) == "dataset-wise") {
    const Json& norms = config.at("dataset_average_activation_norm", path);
    const double in = norms.at("in", path).as_double(path);
    if (norms.at("out", path).as_double(path) != in) {
      fail(ErrorCode::Unsupported, "{}: its input and output are scaled differently", path);
    }
    scale = std::sqrt(static_cast<double>(layer.d_in())) / in;
  } else if (kind != nullptr && kind->as_string(path) != "inference") {
    fail(ErrorCode::Unsupported, "{}: norm_activation is '{}'; only dataset-wise is known", path,
         printable(kind->as_string(path)));
  }
  const double threshold = config.at("jump_relu_threshold", path).as_double(path);
  layer.activation.threshold.assign(layer.features(), static_cast<float>(threshold * scale));
  layer.input_scale = scale;
  layer.undoes_scaling = scale != 1.0;
}

}  // namespace

bool matches_llama_scope(const PublishedFiles& files) {
  return files.has({"hyperparams.json"}) && std::filesystem::exists(files.folder() / kCheckpoint);
}

Builder load_llama_scope(const PublishedFiles& files, const LoadOptions&) {
  const std::string path = (files.folder() / "hyperparams.json").string();
  const Json config = Json::load(path);
  const auto file = TensorFile::open(files.folder() / kCheckpoint);
  file->allow_only({"encoder.weight", "encoder.bias", "decoder.weight", "decoder.bias"});
  Builder builder("llama-scope", files);
  builder.keep(file);
  builder.info.name = files.folder().string();
  DictionaryLayer layer = layer_of(*file, builder, config, path);
  set_scale(layer, config, path);
  builder.layers.push_back(std::move(layer));
  return builder;
}

bool matches_llama_scope_r1(const PublishedFiles& files) {
  return files.has({"config.json", kWeights}) && files.tensors() != nullptr &&
         files.tensors()->find("log_jumprelu_threshold") != nullptr;
}

Builder load_llama_scope_r1(const PublishedFiles& files, const LoadOptions&) {
  const std::string path = (files.folder() / "config.json").string();
  const Json config = Json::load(path);
  const auto file = files.tensors();
  file->allow_only({"encoder.weight", "encoder.bias", "decoder.weight", "decoder.bias",
                    "log_jumprelu_threshold"});
  Builder builder("llama-scope-r1", files);
  builder.keep(file);
  builder.info.name = files.folder().string();
  DictionaryLayer layer = layer_of(*file, builder, config, path);
  layer.activation.threshold = builder.vector(file->at("log_jumprelu_threshold"));
  std::transform(layer.activation.threshold.begin(), layer.activation.threshold.end(),
                 layer.activation.threshold.begin(),
                 [](float t) { return static_cast<float>(std::exp(static_cast<double>(t))); });
  builder.note(fmt::format("{}: the scale of its inputs is not in its files, so none is applied",
                           builder.info.name));
  builder.layers.push_back(std::move(layer));
  return builder;
}

}  // namespace cajal
