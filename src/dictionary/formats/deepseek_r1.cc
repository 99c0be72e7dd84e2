// qresearch's SAE of DeepSeek-R1-Distill-Llama: one .pt file with encoder.weight [F, d],
// decoder.weight [d, F] and their biases. ReLU; the bias is not subtracted from the input. The name
// ends in the layer: "-l19".
#include "dictionary/formats/format.h"
#include "dictionary/formats/naming.h"

namespace cajal {

bool matches_deepseek_r1(const PublishedFiles& files) {
  return files.is_torch() &&
         files.tensors()->has({"encoder.weight", "encoder.bias", "decoder.weight", "decoder.bias"});
}

Builder load_deepseek_r1(const PublishedFiles& files, const LoadOptions&) {
  const auto file = files.tensors();
  file->allow_only({"encoder.weight", "encoder.bias", "decoder.weight", "decoder.bias"});
  Builder builder("deepseek-r1", files);
  builder.keep(file);
  const auto layer = number_after(files.file().filename().string(), "-l");
  builder.layers.push_back({.layer = layer.value_or(0),
                            .input_point = layer ? fmt::format("resid_post.{}", *layer) : "",
                            .output_point = layer ? fmt::format("resid_post.{}", *layer) : "",
                            .w_enc = {builder.matrix(file->at("encoder.weight"))},
                            .w_dec = builder.transposed(builder.matrix(file->at("decoder.weight"))),
                            .b_enc = builder.vector(file->at("encoder.bias")),
                            .b_dec = builder.vector(file->at("decoder.bias"))});
  return builder;
}

}  // namespace cajal
