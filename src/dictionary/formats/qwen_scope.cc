// Qwen Scope: layerN.sae.pt with W_enc [F, d], W_dec [d, F], b_enc, b_dec. TopK of each token,
// whose k stands in the name of the repository alone ("..._L0_50").
#include "base/error.h"
#include "dictionary/formats/format.h"
#include "dictionary/formats/naming.h"

namespace cajal {
namespace {

double k_of(const std::filesystem::path& path, const LoadOptions& options) {
  const auto named = number_after(path.string(), "L0_");
  if (!options.k && !named) {
    fail(ErrorCode::InvalidArgument,
         "{}: how many features fire is in the repository's name alone (\"..._L0_50\"); give it "
         "with -k",
         path.string());
  }
  return options.k ? *options.k : static_cast<double>(*named);
}

}  // namespace

bool matches_qwen_scope(const PublishedFiles& files) {
  return files.file().string().ends_with(".sae.pt") &&
         files.tensors()->has({"W_enc", "W_dec", "b_enc", "b_dec"});
}

Builder load_qwen_scope(const PublishedFiles& files, const LoadOptions& options) {
  const auto file = files.tensors();
  file->allow_only({"W_enc", "W_dec", "b_enc", "b_dec"});
  Builder builder("qwen-scope", files);
  builder.keep(file);
  const auto layer = number_after(files.file().filename().string(), "layer");
  const std::string point = layer ? fmt::format("resid_post.{}", *layer) : "";
  builder.layers.push_back(
      {.layer = layer.value_or(0),
       .input_point = point,
       .output_point = point,
       .w_enc = {builder.matrix(file->at("W_enc"))},
       .w_dec = builder.transposed(builder.matrix(file->at("W_dec"))),
       .b_enc = builder.vector(file->at("b_enc")),
       .b_dec = builder.vector(file->at("b_dec")),
       .activation = {.kind = ActivationKind::TopK,
                      .k = k_of(std::filesystem::absolute(files.file()), options)}});
  return builder;
}

}  // namespace cajal
