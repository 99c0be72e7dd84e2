#include "service/convert.h"

#include <algorithm>

#include "base/error.h"
#include "dictionary/calibrate.h"
#include "dictionary/fold.h"
#include "dictionary/save.h"
#include "service/activation_file.h"

namespace cajal {
namespace {

constexpr std::string_view kCircuitTracer = "circuit-tracer";

bool is_top_k(const DictionaryLayer& layer) {
  return layer.activation.kind == ActivationKind::TopK ||
         layer.activation.kind == ActivationKind::BatchTopK;
}

/// Whether the layout has no TopK of this kind.
bool needs_threshold(const Dictionary& dictionary, const DictionaryLayer& layer,
                     std::string_view to) {
  const bool plain = layer.activation.kind == ActivationKind::TopK &&
                     !layer.activation.keeps_negative && dictionary.kind() == DictionaryKind::Sae;
  return is_top_k(layer) && (to == kCircuitTracer || !plain);
}

/// Of the file where it has one; nullopt otherwise, and where it was never estimated: it begins at
/// -1 (dictionary_learning) or 0 (SAELens).
std::optional<float> own_threshold(const DictionaryLayer& layer) {
  const std::vector<float>& values = layer.activation.threshold;
  return values.empty() || values[0] <= 0.0F ? std::nullopt : std::optional(values[0]);
}

std::vector<float> thresholds_of(const ConvertRequest& request, const Dictionary& dictionary) {
  std::vector<float> out;
  std::vector<ConstMatRef> inputs;
  std::optional<ActivationFile> file;
  const auto backend = make_cpu_backend();
  if (!request.in.empty()) {
    file.emplace(request.in);
    inputs = file->matrices(request.tensor, dictionary.layers().size(),
                            dictionary.layers().front().d_in());
  }
  for (std::size_t l = 0; l < dictionary.layers().size(); ++l) {
    const DictionaryLayer& layer = dictionary.layers()[l];
    const auto own = own_threshold(layer);
    check(own || !inputs.empty() || !is_top_k(layer),
          "{}: layer {} is {}, which {} does not have; give activations to find a threshold for "
          "JumpReLU on, with --in FILE --tensor NAME",
          dictionary.info().name, layer.layer, name_of(layer.activation.kind), request.to);
    out.push_back(!is_top_k(layer) ? 0.0F
                  : inputs.empty()
                      ? *own
                      : threshold_for(*backend, dictionary, l, inputs[l], layer.activation.k));
  }
  return out;
}

}  // namespace

const FieldTable<ConvertRequest>& convert_fields() {
  static const FieldTable<ConvertRequest> table = {
      {{.name = "dictionary",
        .help = "the dictionary: a folder or file",
        .value = "DICTIONARY",
        .positional = true},
       &ConvertRequest::dictionary},
      {{.name = "to",
        .help = "the layout to write: circuit-tracer or saelens",
        .value = "LAYOUT",
        .choices = {kCircuitTracer, "saelens"}},
       &ConvertRequest::to},
      {{.name = "in",
        .help = "activations (safetensors) to find the thresholds of a TopK dictionary on",
        .value = "FILE"},
       &ConvertRequest::in},
      {{.name = "tensor", .help = "which tensor of the file", .value = "NAME"},
       &ConvertRequest::tensor},
      {k_field(), &ConvertRequest::k}};
  return table;
}

ConvertResult convert_dictionary(const ConvertRequest& request, const std::filesystem::path& folder,
                                 bool force) {
  const OpenedDictionary opened = open_dictionary(request.dictionary, load_options(request.k));
  auto dictionary = opened.dictionary;
  ConvertResult out{.from = dictionary->info().format,
                    .to = request.to,
                    .kind = std::string(name_of(dictionary->kind())),
                    .notes = opened.notes};
  opened.describe(out.provenance);
  const auto layers = dictionary->layers();
  if (std::any_of(layers.begin(), layers.end(), [&](const DictionaryLayer& layer) {
        return needs_threshold(*dictionary, layer, request.to);
      })) {
    const std::vector<float> thresholds = thresholds_of(request, *dictionary);
    out.thresholds.assign(thresholds.begin(), thresholds.end());
    dictionary = as_jump_relu(dictionary, thresholds);
  }
  const SaveOptions options{.force = force};
  out.files = request.to == kCircuitTracer ? save_circuit_tracer(dictionary, folder, options)
                                           : save_saelens(dictionary, folder, options);
  return out;
}

Json to_json(const ConvertResult& result) {
  Json files(Json::Array{});
  for (const std::filesystem::path& file : result.files) {
    files.push_back(file.string());
  }
  return Json::object(
      {{"from", result.from},
       {"to", result.to},
       {"kind", result.kind},
       {"files", std::move(files)},
       {"thresholds", result.thresholds.empty() ? Json() : Json::array_of(result.thresholds)}});
}

}  // namespace cajal
