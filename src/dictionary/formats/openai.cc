// OpenAI's sparse_autoencoder: a .pt file a layer with pre_bias [d], latent_bias [F],
// encoder.weight [F, d], decoder.weight [d, F], statistics, and the activation by name. TopK comes
// with a layer norm of the input that is undone in the output.
#include "base/error.h"
#include "dictionary/formats/format.h"
#include "dictionary/formats/naming.h"

namespace cajal {
namespace {

ActivationFunction activation(const TensorFile& file, const LoadOptions& options) {
  const Json* named = file.values().find_value("activation");
  const std::string name =
      named == nullptr ? "ReLU" : named->as_string(file.name() + ": activation");
  if (name == "ReLU") {
    return {};
  }
  if (name != "TopK") {
    fail(ErrorCode::Unsupported, "{}: the activation '{}' is not known", file.name(),
         printable(name));
  }
  const std::string where = file.name() + ": activation_state_dict";
  const Json& state = file.values().at("activation_state_dict", file.name());
  const Json* after = state.find_value("postact_fn");
  if (after != nullptr && after->as_string(where) != "ReLU") {
    fail(ErrorCode::Unsupported, "{}: postact_fn is '{}'; only ReLU is known", where,
         printable(after->as_string(where)));
  }
  return {.kind = ActivationKind::TopK,
          .k = options.k ? *options.k : state.at("k", where).as_double(where)};
}

}  // namespace

bool matches_openai(const PublishedFiles& files) {
  return files.is_torch() &&
         files.tensors()->has({"pre_bias", "latent_bias", "encoder.weight", "decoder.weight"});
}

Builder load_openai(const PublishedFiles& files, const LoadOptions& options) {
  const auto file = files.tensors();
  file->allow_only({"pre_bias", "latent_bias", "encoder.weight", "decoder.weight",
                    "stats_last_nonzero", "latents_activation_frequency", "latents_mean_square"});
  Builder builder("openai", files);
  builder.keep(file);
  DictionaryLayer layer{.layer = number_after(file->name(), "layer_")
                                     .value_or(number_after(file->name(), "layers/").value_or(0)),
                        .w_enc = {builder.matrix(file->at("encoder.weight"))},
                        .w_dec = builder.transposed(builder.matrix(file->at("decoder.weight"))),
                        .b_enc = builder.vector(file->at("latent_bias")),
                        .b_dec = builder.vector(file->at("pre_bias")),
                        .activation = activation(*file, options)};
  layer.pre_bias = layer.b_dec;
  if (layer.activation.kind == ActivationKind::TopK) {
    layer.scaling = InputScaling::LayerNorm;
    layer.undoes_scaling = true;
  }
  builder.layers.push_back(std::move(layer));
  return builder;
}

}  // namespace cajal
