#include <algorithm>

#include "base/error.h"
#include "base/file.h"
#include "dictionary/fold.h"
#include "dictionary/formats/output_folder.h"
#include "dictionary/formats/writing.h"
#include "io/safetensors_writer.h"

namespace cajal {
namespace {

constexpr std::string_view kFormat = "saelens";
constexpr std::string_view kVersion = "6.54.12";  // whose layout this is

std::string_view dtype_name(DType dtype) {
  switch (dtype) {
    case DType::BF16:
      return "bfloat16";
    case DType::F16:
      return "float16";
    default:
      return "float32";
  }
}

std::string architecture(const Dictionary& dictionary, const DictionaryLayer& layer) {
  const ActivationFunction& f = layer.activation;
  const bool transcodes = dictionary.kind() == DictionaryKind::Transcoder;
  const std::string base = layer.w_skip ? "skip_transcoder" : "transcoder";
  switch (f.kind) {
    case ActivationKind::Relu:
      return transcodes ? base : "standard";
    case ActivationKind::JumpRelu:
      if (f.keeps_negative &&
          std::any_of(f.threshold.begin(), f.threshold.end(), [](float t) { return t < 0; })) {
        break;
      }
      return transcodes ? "jumprelu_" + base : "jumprelu";
    case ActivationKind::TopK:
      if (transcodes || f.keeps_negative) {
        break;
      }
      return "topk";
    case ActivationKind::AbsTopK:
      if (transcodes) {
        break;
      }
      return "abstopk";
    case ActivationKind::BatchTopK:
    case ActivationKind::GroupMax:
    case ActivationKind::Gated:
      break;
  }
  fail_format(dictionary, layer, kFormat,
              fmt::format("the activation {}{}", name_of(f.kind),
                          f.keeps_negative ? " that lets negative values through" : ""));
}

std::string_view normalisation(InputScaling scaling) {
  switch (scaling) {
    case InputScaling::LayerNorm:
      return "layer_norm";
    case InputScaling::ConstantNorm:
      return "constant_norm_rescale";
    case InputScaling::None:
      break;
  }
  return "none";
}

Json config(const Dictionary& dictionary, const DictionaryLayer& layer,
            const SaveOptions& options) {
  const bool transcodes = dictionary.kind() == DictionaryKind::Transcoder;
  const std::string hook = hook_of(layer.input_point, options);
  Json metadata = Json::object({{"sae_lens_version", kVersion},
                                {"sae_lens_training_version", Json()},
                                {"model_name", dictionary.info().model_name},
                                {"hook_name", hook}});
  if (transcodes) {
    metadata.set("hook_name_out", hook_of(layer.output_point, options));
  }
  if (!options.metadata.as_object("metadata").empty()) {
    metadata.set("cajal", options.metadata);
  }
  Json out = Json::object({{"architecture", architecture(dictionary, layer)},
                           {"d_in", layer.d_in()},
                           {"d_sae", layer.features()},
                           {"dtype", dtype_name(layer.w_enc.matrix.dtype)},
                           {"device", "cpu"},
                           {"apply_b_dec_to_input", !layer.pre_bias.empty()},
                           {"normalize_activations", normalisation(layer.scaling)},
                           {"reshape_activations", hook.ends_with("hook_z") ? "hook_z" : "none"},
                           {"metadata", std::move(metadata)}});
  if (transcodes) {
    out.set("d_out", layer.d_out());
  }
  if (layer.activation.kind == ActivationKind::TopK ||
      layer.activation.kind == ActivationKind::AbsTopK) {
    out.set("k", static_cast<std::int64_t>(layer.activation.k));
    out.set("rescale_acts_by_decoder_norm", false);
  }
  return out;
}

void check_layer(const Dictionary& dictionary, const DictionaryLayer& layer) {
  const bool transcodes = dictionary.kind() == DictionaryKind::Transcoder;
  if (layer.w_skip && !transcodes) {
    fail_format(dictionary, layer, kFormat, "an SAE with a skip path");
  }
  const bool undone = layer.scaling != InputScaling::None && !transcodes;
  if (layer.undoes_scaling != undone) {
    fail_format(dictionary, layer, kFormat,
                undone ? "a scaling that is not undone in the output"
                       : "a scaling that is undone in the output");
  }
  if (transcodes && !layer.pre_bias.empty()) {
    fail_format(dictionary, layer, kFormat, "a transcoder that subtracts a bias from its input");
  }
}

void write_layer(const Dictionary& dictionary, const DictionaryLayer& layer,
                 const std::string& prefix, OutputFolder& folder, const SaveOptions& options) {
  TensorList list;
  list.add("W_enc", layer.w_enc, Transpose::Yes);
  list.add("W_dec", {layer.w_dec});
  list.add("b_enc", layer.b_enc);
  list.add("b_dec", layer.b_dec);
  if (layer.activation.kind == ActivationKind::JumpRelu) {
    list.add("threshold", thresholds_from_zero(layer.activation));
  }
  if (layer.w_skip) {
    list.add("W_skip", layer.w_skip);
  }
  const Json settings = config(dictionary, layer, options);
  write_safetensors(folder.file(prefix + "sae_weights.safetensors"), list.tensors());
  write_file(folder.file(prefix + "cfg.json"), settings.dump(2) + "\n");
}

/// Without what the layout has no place for, where that can be folded into weights.
std::shared_ptr<const Dictionary> folded(std::shared_ptr<const Dictionary> dictionary) {
  dictionary = fold_feature_scale(fold_input_scale(std::move(dictionary)));
  const auto layers = dictionary->layers();
  const bool other_bias =
      std::any_of(layers.begin(), layers.end(), [&](const DictionaryLayer& layer) {
        return !layer.pre_bias.empty() &&
               (layer.pre_bias != layer.b_dec || dictionary->kind() != DictionaryKind::Sae);
      });
  return other_bias ? fold_pre_bias(dictionary) : dictionary;
}

}  // namespace

std::vector<std::filesystem::path> save_saelens(const std::shared_ptr<const Dictionary>& dictionary,
                                                const std::filesystem::path& folder,
                                                const SaveOptions& options) {
  check(dictionary->kind() != DictionaryKind::CrossLayer,
        "{}: SAELens has no cross-layer transcoders; write it for circuit-tracer",
        dictionary->info().name);
  const auto written = folded(dictionary);
  for (const DictionaryLayer& layer : written->layers()) {
    architecture(*written, layer);
    check_layer(*written, layer);
  }
  OutputFolder out(folder, options.force);
  const bool several = written->layers().size() > 1;
  for (const DictionaryLayer& layer : written->layers()) {
    write_layer(*written, layer, several ? fmt::format("layer_{}/", layer.layer) : "", out,
                options);
  }
  return out.commit();
}

}  // namespace cajal
