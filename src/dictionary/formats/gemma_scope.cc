// Gemma Scope 1: params.npz with W_enc [d, F], W_dec [F, d], b_enc, b_dec, threshold [F]. The bias
// is not subtracted from the input. What point it is for stands in the path alone. SAEs of the
// embedding are for embeddings that were multiplied by sqrt(d), as Gemma does before its first
// layer; the files are for those before.
#include <cmath>

#include "dictionary/formats/format.h"
#include "dictionary/formats/naming.h"

namespace cajal {
namespace {

bool contains(const std::string& text, std::string_view word) {
  return text.find(word) != std::string::npos;
}

void set_place(DictionaryLayer& layer, const std::string& path, bool transcodes) {
  const std::size_t number = layer.layer;
  if (contains(path, "embedding")) {
    layer.input_point = "embeddings";
  } else if (transcodes) {
    layer.input_point = fmt::format("mlp_in_normalized.{}", number);
    layer.output_point = fmt::format("blocks.{}.hook_mlp_out", number);
    return;
  } else if (contains(path, "-res")) {
    layer.input_point = fmt::format("resid_post.{}", number);
  } else if (contains(path, "-mlp")) {
    layer.input_point = fmt::format("blocks.{}.hook_mlp_out", number);
  } else if (contains(path, "-att")) {
    layer.input_point = fmt::format("z.{}", number);
  }
  layer.output_point = layer.input_point;
}

}  // namespace

bool matches_gemma_scope(const PublishedFiles& files) {
  return files.has({"params.npz"});
}

Builder load_gemma_scope(const PublishedFiles& files, const LoadOptions&) {
  const auto file = TensorFile::open(files.folder() / "params.npz");
  file->allow_only({"W_enc", "W_dec", "b_enc", "b_dec", "threshold"});
  Builder builder("gemma-scope", files);
  builder.keep(file);
  const std::string path = std::filesystem::absolute(files.folder()).string();
  const bool transcodes = contains(path, "transcoder");
  builder.info.kind = transcodes ? DictionaryKind::Transcoder : DictionaryKind::Sae;
  DictionaryLayer layer{.layer = number_after(path, "layer_").value_or(0),
                        .w_enc = {builder.matrix(file->at("W_enc")), Transpose::Yes},
                        .w_dec = builder.matrix(file->at("W_dec")),
                        .b_enc = builder.vector(file->at("b_enc")),
                        .b_dec = builder.vector(file->at("b_dec")),
                        .activation = {.kind = ActivationKind::JumpRelu,
                                       .threshold = builder.vector(file->at("threshold"))}};
  if (contains(path, "embedding")) {
    const double root = std::sqrt(static_cast<double>(layer.b_dec.size()));
    layer.w_enc.matrix = builder.scaled(layer.w_enc.matrix, 1.0 / root);
    layer.w_dec = builder.scaled(layer.w_dec, root);
  }
  set_place(layer, path, transcodes);
  builder.layers.push_back(std::move(layer));
  return builder;
}

}  // namespace cajal
