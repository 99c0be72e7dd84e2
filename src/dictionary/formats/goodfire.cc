// Goodfire's SAEs of Llama: one .pt file with encoder_linear.weight [F, d], decoder_linear.weight
// [d, F] and their biases. ReLU; the bias is not subtracted from the input. The name ends in the
// layer: "-l19".
#include "dictionary/formats/format.h"
#include "dictionary/formats/naming.h"

namespace cajal {

bool matches_goodfire(const PublishedFiles& files) {
  return files.is_torch() && files.tensors()->has({"encoder_linear.weight", "encoder_linear.bias",
                                                   "decoder_linear.weight", "decoder_linear.bias"});
}

Builder load_goodfire(const PublishedFiles& files, const LoadOptions&) {
  const auto file = files.tensors();
  file->allow_only({"encoder_linear.weight", "encoder_linear.bias", "decoder_linear.weight",
                    "decoder_linear.bias"});
  Builder builder("goodfire", files);
  builder.keep(file);
  const auto layer = number_after(files.file().filename().string(), "-l");
  builder.layers.push_back(
      {.layer = layer.value_or(0),
       .input_point = layer ? fmt::format("resid_post.{}", *layer) : "",
       .output_point = layer ? fmt::format("resid_post.{}", *layer) : "",
       .w_enc = {builder.matrix(file->at("encoder_linear.weight"))},
       .w_dec = builder.transposed(builder.matrix(file->at("decoder_linear.weight"))),
       .b_enc = builder.vector(file->at("encoder_linear.bias")),
       .b_dec = builder.vector(file->at("decoder_linear.bias"))});
  return builder;
}

}  // namespace cajal
