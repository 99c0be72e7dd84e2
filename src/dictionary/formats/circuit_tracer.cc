// circuit-tracer's transcoders, one file a layer (also mwhanna's for Qwen3):
//   layer_N.safetensors: W_enc, W_dec [F, d], b_enc, b_dec; maybe activation_function.threshold or
//   threshold [F], W_skip [d_out, d_in]; config.yaml: hooks, and for TopK `activation` and `k`.
// Its JumpReLU and TopK let negative values through.
#include <algorithm>

#include "base/error.h"
#include "dictionary/formats/circuit_tracer_config.h"
#include "dictionary/formats/naming.h"

namespace cajal {
namespace {

ActivationFunction activation(const TensorFile& file, Builder& builder, const Json& config,
                              const LoadOptions& options) {
  for (const std::string_view name : {"activation_function.threshold", "threshold"}) {
    if (const StoredTensor* tensor = file.find(name)) {
      return {.kind = ActivationKind::JumpRelu,
              .keeps_negative = true,
              .threshold = builder.vector(*tensor)};
    }
  }
  const Json* named = config.find_value("activation");
  const std::string kind = named == nullptr ? "relu" : named->as_string("config.yaml: activation");
  if (kind == "topk" || options.k) {
    const Json* k = config.find_value("k");
    if (k == nullptr && !options.k) {
      fail(ErrorCode::CorruptData, "{}: is a TopK transcoder, but config.yaml does not say k",
           file.name());
    }
    return {.kind = ActivationKind::TopK,
            .k = options.k ? *options.k : k->as_double("config.yaml: k"),
            .keeps_negative = true};
  }
  if (kind != "relu") {
    fail(ErrorCode::CorruptData, "{}: has no thresholds, but config.yaml says activation: {}",
         file.name(), kind);
  }
  return {};
}

void add_layer(const std::filesystem::path& path, std::size_t number, Builder& builder,
               const Json& config, const LoadOptions& options) {
  const auto file = TensorFile::open(path);
  file->allow_only(
      {"W_enc", "W_dec", "W_skip", "b_enc", "b_dec", "threshold", "activation_function.threshold"});
  builder.keep(file);
  const StoredTensor* skip = file->find("W_skip");
  builder.layers.push_back(
      {.layer = number,
       .input_point = circuit_tracer_point(config, "feature_input_hook", number),
       .output_point = circuit_tracer_point(config, "feature_output_hook", number),
       .w_enc = {builder.matrix(file->at("W_enc"))},
       .w_dec = builder.matrix(file->at("W_dec")),
       .w_skip = {skip == nullptr ? ConstMatRef{} : builder.matrix(*skip)},
       .b_enc = builder.vector(file->at("b_enc")),
       .b_dec = builder.vector(file->at("b_dec")),
       .activation = activation(*file, builder, config, options)});
}

/// Layers as config.yaml lists them, if we wrote it; else those whose files are there.
std::vector<std::size_t> layers_of(const PublishedFiles& files, const Json& config) {
  const Json* list = config.find_value(kCircuitTracerLayers);
  if (list == nullptr || !files.has({"config.yaml"})) {  // one file may be named alone
    return files.numbered("layer_");
  }
  const std::string where = fmt::format("config.yaml: {}", kCircuitTracerLayers);
  std::vector<std::size_t> out;
  for (const Json& number : list->as_array(where)) {
    out.push_back(static_cast<std::size_t>(std::max<std::int64_t>(0, number.as_int(where))));
  }
  if (out.empty()) {
    fail(ErrorCode::CorruptData, "{}: {} is empty", files.folder().string(), where);
  }
  return out;
}

/// Throws CorruptData naming the first that is missing. Sets by others have no gaps.
void check_there(const PublishedFiles& files, const std::vector<std::size_t>& numbers,
                 bool listed) {
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const std::size_t want = listed ? numbers[i] : numbers[0] + i;
    const std::string name = fmt::format("layer_{}.safetensors", want);
    if (!files.has({name})) {
      fail(ErrorCode::CorruptData, "{}: {} is missing: there should be layers up to {}",
           files.folder().string(), name, numbers.back());
    }
  }
}

}  // namespace

bool matches_circuit_tracer(const PublishedFiles& files) {
  return !files.numbered("layer_").empty();
}

Builder load_circuit_tracer(const PublishedFiles& files, const LoadOptions& options) {
  const Json config = circuit_tracer_config(files.folder());
  Builder builder("circuit-tracer", files);
  builder.info.kind = DictionaryKind::Transcoder;
  builder.info.name = files.folder().string();
  describe_circuit_tracer(config, builder.info);
  const std::vector<std::size_t> numbers = layers_of(files, config);
  check_there(files, numbers, config.find_value(kCircuitTracerLayers) != nullptr);
  for (const std::size_t number : numbers) {
    add_layer(files.folder() / fmt::format("layer_{}.safetensors", number), number, builder, config,
              options);
  }
  return builder;
}

}  // namespace cajal
