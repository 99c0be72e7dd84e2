// EleutherAI's sparsify: a folder per hook point, named after the module it reads ("layers.3.mlp"):
//   sae.safetensors: encoder.weight [F, d], encoder.bias, W_dec [F, d], b_dec, maybe W_skip
//   [d_out, d_in]; cfg.json. An SAE subtracts b_dec from its input, a transcoder does not; skip
//   paths read the input as it came.
#include "base/error.h"
#include "dictionary/formats/format.h"
#include "dictionary/formats/naming.h"

namespace cajal {
namespace {

ActivationFunction activation(const Json& config, const std::string& path,
                              const LoadOptions& options) {
  const std::string& name = config.at("activation", path).as_string(path + ": activation");
  const double k = options.k ? *options.k : config.at("k", path).as_double(path + ": k");
  if (name == "topk") {
    return {.kind = ActivationKind::TopK, .k = k};
  }
  if (name == "groupmax") {
    return {.kind = ActivationKind::GroupMax, .k = k};
  }
  fail(ErrorCode::Unsupported, "{}: the activation '{}' is not known", path, printable(name));
}

void set_points(DictionaryLayer& layer, const std::string& module, bool transcodes) {
  layer.output_point = point_of_module(module);
  layer.input_point = layer.output_point;
  if (transcodes) {  // it reads what the module receives
    layer.input_point = module.ends_with(".mlp") ? fmt::format("mlp_in.{}", layer.layer) : "";
  }
}

}  // namespace

bool matches_sparsify(const PublishedFiles& files) {
  return files.has({"cfg.json", "sae.safetensors"});
}

Builder load_sparsify(const PublishedFiles& files, const LoadOptions& options) {
  const std::string path = (files.folder() / "cfg.json").string();
  const Json config = Json::load(path);
  const auto file = TensorFile::open(files.folder() / "sae.safetensors");
  file->allow_only({"encoder.weight", "encoder.bias", "W_dec", "W_skip", "b_dec"});
  Builder builder("sparsify", files);
  builder.keep(file);
  builder.info.name = files.folder().string();
  builder.info.metadata = config;
  const Json* transcode = config.find_value("transcode");
  const bool transcodes = transcode != nullptr && transcode->as_bool(path + ": transcode");
  builder.info.kind = transcodes ? DictionaryKind::Transcoder : DictionaryKind::Sae;
  const std::string module = std::filesystem::absolute(files.folder()).filename().string();
  const StoredTensor* skip = file->find("W_skip");
  DictionaryLayer layer{.layer = number_after(module, "layers.").value_or(0),
                        .w_enc = {builder.matrix(file->at("encoder.weight"))},
                        .w_dec = builder.matrix(file->at("W_dec")),
                        .w_skip = {skip == nullptr ? ConstMatRef{} : builder.matrix(*skip)},
                        .b_enc = builder.vector(file->at("encoder.bias")),
                        .b_dec = builder.vector(file->at("b_dec")),
                        .activation = activation(config, path, options)};
  if (!transcodes) {
    layer.pre_bias = layer.b_dec;
  }
  set_points(layer, module, transcodes);
  builder.layers.push_back(std::move(layer));
  return builder;
}

}  // namespace cajal
