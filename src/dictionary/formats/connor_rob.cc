// Connor Kissane's and Rob Krzyzanowski's SAEs of attention: NAME.pt with W_enc [d, F], W_dec
// [F, d], b_enc, b_dec beside NAME_cfg.json. ReLU; the bias is subtracted from the input.
#include "dictionary/formats/format.h"
#include "dictionary/formats/naming.h"

namespace cajal {
namespace {

std::filesystem::path config_path(const PublishedFiles& files) {
  return files.folder() / (files.file().stem().string() + "_cfg.json");
}

}  // namespace

bool matches_connor_rob(const PublishedFiles& files) {
  return files.is_torch() && std::filesystem::exists(config_path(files)) &&
         files.tensors()->has({"W_enc", "W_dec", "b_enc", "b_dec"});
}

Builder load_connor_rob(const PublishedFiles& files, const LoadOptions&) {
  const auto file = files.tensors();
  file->allow_only({"W_enc", "W_dec", "b_enc", "b_dec"});
  const Json config = Json::load(config_path(files));
  Builder builder("connor-rob", files);
  builder.keep(file);
  builder.info.metadata = config;
  const Json* hook = config.find_value("act_name");
  DictionaryLayer layer{.w_enc = {builder.matrix(file->at("W_enc")), Transpose::Yes},
                        .w_dec = builder.matrix(file->at("W_dec")),
                        .b_enc = builder.vector(file->at("b_enc")),
                        .b_dec = builder.vector(file->at("b_dec"))};
  layer.pre_bias = layer.b_dec;
  if (hook != nullptr && hook->is_string()) {
    layer.input_point = hook->as_string("");
    layer.output_point = layer.input_point;
  }
  layer.layer = layer_of_hook(layer.input_point).value_or(0);
  builder.layers.push_back(std::move(layer));
  return builder;
}

}  // namespace cajal
