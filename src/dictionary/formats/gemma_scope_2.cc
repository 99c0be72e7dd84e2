// Gemma Scope 2: params.safetensors with w_enc [d, F], w_dec [F, d], b_enc, b_dec, threshold [F],
// maybe affine_skip_connection [d_in, d_out]; config.json names Hugging Face modules.
// Its cross-layer transcoders have a file params_layer_N.safetensors a layer, with w_dec [F, L, d],
// of which the slices for layers before N are to be ignored.
#include "base/error.h"
#include "dictionary/formats/format.h"
#include "dictionary/formats/naming.h"

namespace cajal {
namespace {

Json config_of(const PublishedFiles& files) {
  const auto path = files.folder() / "config.json";
  return std::filesystem::exists(path) ? Json::load(path) : Json::object({});
}

std::string text(const Json& config, std::string_view key) {
  const Json* value = config.find_value(key);
  return value == nullptr ? "" : value->as_string(fmt::format("config.json: {}", key));
}

DictionaryLayer layer_of(const TensorFile& file, Builder& builder, std::size_t number) {
  file.allow_only({"w_enc", "w_dec", "b_enc", "b_dec", "threshold", "affine_skip_connection"});
  const StoredTensor* skip = file.find("affine_skip_connection");
  const StoredTensor& w_dec = file.at("w_dec");
  return {.layer = number,
          .w_enc = {builder.matrix(file.at("w_enc")), Transpose::Yes},
          .w_dec = w_dec.shape.size() == 3 ? builder.slab(w_dec) : builder.matrix(w_dec),
          .w_skip = {skip == nullptr ? ConstMatRef{} : builder.matrix(*skip), Transpose::Yes},
          .b_enc = builder.vector(file.at("b_enc")),
          .b_dec = builder.vector(file.at("b_dec")),
          .activation = {.kind = ActivationKind::JumpRelu,
                         .keeps_negative = true,
                         .threshold = builder.vector(file.at("threshold"))}};
}

}  // namespace

bool matches_gemma_scope_2(const PublishedFiles& files) {
  return files.has({"params.safetensors"});
}

Builder load_gemma_scope_2(const PublishedFiles& files, const LoadOptions&) {
  const Json config = config_of(files);
  const auto file = TensorFile::open(files.folder() / "params.safetensors");
  Builder builder("gemma-scope-2", files);
  builder.keep(file);
  builder.info.model_name = text(config, "model_name");
  builder.info.metadata = config;
  const std::string in = text(config, "hf_hook_point_in");
  const std::string out = text(config, "hf_hook_point_out");
  builder.info.kind = out.empty() || out == in ? DictionaryKind::Sae : DictionaryKind::Transcoder;
  const std::string path = std::filesystem::absolute(files.folder()).string();
  const auto number = in.empty() ? number_after(path, "layer_") : layer_of_hook(in);
  DictionaryLayer layer = layer_of(*file, builder, number.value_or(0));
  layer.activation.keeps_negative = false;
  layer.input_point = point_of_module(in);
  layer.output_point = out.empty() ? layer.input_point : point_of_module(out);
  builder.layers.push_back(std::move(layer));
  return builder;
}

bool matches_gemma_scope_2_clt(const PublishedFiles& files) {
  return !files.numbered("params_layer_").empty();
}

Builder load_gemma_scope_2_clt(const PublishedFiles& files, const LoadOptions&) {
  const Json config = config_of(files);
  Builder builder("gemma-scope-2", files);
  builder.info.name = files.folder().string();
  builder.info.kind = DictionaryKind::CrossLayer;
  builder.info.model_name = text(config, "model_name");
  builder.info.metadata = config;
  std::size_t layers = 1;
  for (std::size_t i = 0; i < layers; ++i) {
    const std::string name = fmt::format("params_layer_{}.safetensors", i);
    if (!files.has({name})) {
      fail(ErrorCode::CorruptData, "{}: {} is missing", builder.info.name, name);
    }
    const auto file = TensorFile::open(files.folder() / name);
    builder.keep(file);
    DictionaryLayer layer = layer_of(*file, builder, i);
    layers = i == 0 ? layer.targets() : layers;
    const std::size_t skipped = i * layer.d_out();
    if (layer.w_dec.cols != layers * layer.d_out()) {
      fail(ErrorCode::CorruptData, "{}: w_dec writes {} numbers a feature, but {} layers of {}",
           file->name(), layer.w_dec.cols, layers, layer.d_out());
    }
    layer.w_dec = layer.w_dec.col_range(skipped, layer.w_dec.cols - skipped);
    builder.layers.push_back(std::move(layer));
  }
  return builder;
}

}  // namespace cajal
