// circuit-tracer's cross-layer transcoders, two files a layer:
//   W_enc_N.safetensors: W_enc_N [F, d], b_enc_N [F], b_dec_N [d] of OUTPUT layer N; maybe
//   threshold_N [F]; W_dec_N.safetensors: W_dec_N [F, L - N, d], whose slice j
//   writes to layer N + j.
#include "base/error.h"
#include "dictionary/formats/circuit_tracer_config.h"

namespace cajal {
namespace {

std::shared_ptr<const TensorFile> open_shard(const PublishedFiles& files, std::string_view kind,
                                             std::size_t number) {
  const std::string name = fmt::format("{}_{}.safetensors", kind, number);
  if (!files.has({name})) {
    fail(ErrorCode::CorruptData, "{}: {} is missing", files.folder().string(), name);
  }
  return TensorFile::open(files.folder() / name);
}

void add_layer(const PublishedFiles& files, std::size_t number, const Json& config,
               Builder& builder) {
  const auto encoder = open_shard(files, "W_enc", number);
  const auto decoder = open_shard(files, "W_dec", number);
  const auto name = [&](std::string_view stem) { return fmt::format("{}_{}", stem, number); };
  encoder->allow_only({name("W_enc"), name("b_enc"), name("b_dec"), name("threshold")});
  builder.keep(encoder);
  builder.keep(decoder);
  ActivationFunction activation;
  if (const StoredTensor* threshold = encoder->find(name("threshold"))) {
    activation = {.kind = ActivationKind::JumpRelu,
                  .keeps_negative = true,
                  .threshold = builder.vector(*threshold)};
  }
  builder.layers.push_back(
      {.layer = number,
       .input_point = circuit_tracer_point(config, "feature_input_hook", number),
       .output_point = circuit_tracer_point(config, "feature_output_hook", number),
       .w_enc = {builder.matrix(encoder->at(name("W_enc")))},
       .w_dec = builder.slab(decoder->at(name("W_dec"))),
       .b_enc = builder.vector(encoder->at(name("b_enc"))),
       .b_dec = builder.vector(encoder->at(name("b_dec"))),
       .activation = std::move(activation)});
}

}  // namespace

bool matches_circuit_tracer_clt(const PublishedFiles& files) {
  return !files.numbered("W_enc_").empty() || !files.numbered("W_dec_").empty();
}

Builder load_circuit_tracer_clt(const PublishedFiles& files, const LoadOptions&) {
  const Json config = circuit_tracer_config(files.folder());
  Builder builder("circuit-tracer", files);
  builder.info.kind = DictionaryKind::CrossLayer;
  builder.info.name = files.folder().string();
  describe_circuit_tracer(config, builder.info);
  add_layer(files, 0, config, builder);
  // The first layer writes to all of them, so it knows how many there must be.
  const std::size_t layers = builder.layers[0].targets();
  for (std::size_t i = 1; i < layers; ++i) {
    add_layer(files, i, config, builder);
  }
  for (const std::size_t number : files.numbered("W_enc_")) {
    if (number >= layers) {
      fail(ErrorCode::CorruptData,
           "{}: there is W_enc_{}.safetensors, but W_dec_0 writes {} layers", builder.info.name,
           number, layers);
    }
  }
  return builder;
}

}  // namespace cajal
