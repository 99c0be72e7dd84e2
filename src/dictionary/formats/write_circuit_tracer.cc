#include "base/error.h"
#include "base/file.h"
#include "dictionary/fold.h"
#include "dictionary/formats/circuit_tracer_config.h"
#include "dictionary/formats/output_folder.h"
#include "dictionary/formats/writing.h"
#include "io/safetensors_writer.h"

namespace cajal {
namespace {

constexpr std::string_view kFormat = "circuit-tracer";

void check_layer(const Dictionary& dictionary, const DictionaryLayer& layer) {
  const ActivationKind kind = layer.activation.kind;
  if (kind != ActivationKind::Relu && kind != ActivationKind::JumpRelu) {
    fail_format(dictionary, layer, kFormat,
                fmt::format("the activation {} without a threshold", name_of(kind)));
  }
  if (layer.scaling != InputScaling::None) {
    fail_format(dictionary, layer, kFormat, "a normalisation of each token's input");
  }
  if (layer.w_skip && dictionary.kind() == DictionaryKind::CrossLayer) {
    fail_format(dictionary, layer, kFormat, "the skip path of a cross-layer transcoder");
  }
  if (layer.d_in() != layer.d_out()) {
    fail_format(
        dictionary, layer, kFormat,
        fmt::format("an output of {} numbers for an input of {}", layer.d_out(), layer.d_in()));
  }
}

/// "blocks.3.mlp.hook_in" without its layer.
std::string hook_without_layer(std::string hook) {
  constexpr std::string_view kBlocks = "blocks.";
  if (hook.starts_with(kBlocks)) {
    hook = hook.substr(hook.find('.', kBlocks.size()) + 1);
  }
  return hook;
}

std::string config_text(const Dictionary& dictionary, const SaveOptions& options) {
  const DictionaryLayer& first = dictionary.layers().front();
  const bool crosses = dictionary.kind() == DictionaryKind::CrossLayer;
  std::string out =
      fmt::format("model_name: {}\nmodel_kind: {}\n", Json(dictionary.info().model_name).dump(),
                  crosses ? "cross_layer_transcoder" : "transcoder_set");
  for (const auto& [key, point] : {std::pair{"feature_input_hook", first.input_point},
                                   std::pair{"feature_output_hook", first.output_point}}) {
    if (!point.empty()) {
      out += fmt::format("{}: {}\n", key, Json(hook_without_layer(hook_of(point, options))).dump());
    }
  }
  if (!crosses) {
    Json numbers(Json::Array{});
    for (const DictionaryLayer& layer : dictionary.layers()) {
      numbers.push_back(layer.layer);
    }
    out += fmt::format("{}: {}\n", kCircuitTracerLayers, numbers.dump());
  }
  if (!options.metadata.as_object("metadata").empty()) {
    out += fmt::format("cajal: {}\n", options.metadata.dump());  // JSON is YAML
  }
  return out;
}

void write_layer(const DictionaryLayer& layer, OutputFolder& folder) {
  TensorList list;
  list.add("W_enc", layer.w_enc);
  list.add("W_dec", {layer.w_dec});
  list.add("b_enc", layer.b_enc);
  list.add("b_dec", layer.b_dec);
  if (layer.activation.kind == ActivationKind::JumpRelu) {
    list.add("activation_function.threshold", thresholds_from_zero(layer.activation));
  }
  if (layer.w_skip) {
    list.add("W_skip", layer.w_skip);
  }
  write_safetensors(folder.file(fmt::format("layer_{}.safetensors", layer.layer)), list.tensors());
}

void write_crossing_layer(const DictionaryLayer& layer, OutputFolder& folder) {
  const auto name = [&](std::string_view stem) { return fmt::format("{}_{}", stem, layer.layer); };
  TensorList encoder;
  encoder.add(name("W_enc"), layer.w_enc);
  encoder.add(name("b_enc"), layer.b_enc);
  encoder.add(name("b_dec"), layer.b_dec);
  if (layer.activation.kind == ActivationKind::JumpRelu) {
    encoder.add(name("threshold"), thresholds_from_zero(layer.activation));
  }
  write_safetensors(folder.file(name("W_enc") + ".safetensors"), encoder.tensors());
  TensorList decoder;
  decoder.add(name("W_dec"), {layer.w_dec});
  decoder.reshape({layer.features(), layer.targets(), layer.d_out()});
  write_safetensors(folder.file(name("W_dec") + ".safetensors"), decoder.tensors());
}

}  // namespace

std::vector<std::filesystem::path> save_circuit_tracer(
    const std::shared_ptr<const Dictionary>& dictionary, const std::filesystem::path& folder,
    const SaveOptions& options) {
  check(dictionary->kind() != DictionaryKind::Sae,
        "{}: circuit-tracer reads transcoders, and this is an SAE; write it for saelens",
        dictionary->info().name);
  for (const DictionaryLayer& layer : dictionary->layers()) {
    check_layer(*dictionary, layer);
  }
  const auto folded = fold_pre_bias(fold_feature_scale(fold_input_scale(dictionary)));
  const bool crosses = folded->kind() == DictionaryKind::CrossLayer;
  check(!crosses || folded->layers().front().layer == 0,
        "{}: a cross-layer transcoder for circuit-tracer must begin at layer 0, not {}",
        folded->info().name, folded->layers().front().layer);
  OutputFolder out(folder, options.force);
  for (const DictionaryLayer& layer : folded->layers()) {
    crosses ? write_crossing_layer(layer, out) : write_layer(layer, out);
  }
  write_file(out.file("config.yaml"), config_text(*folded, options));
  return out.commit();
}

}  // namespace cajal
