#include "service/describe.h"

#include <algorithm>

#include "base/utf8.h"

namespace cajal {
namespace {

constexpr std::size_t kArrayHead = 8;
constexpr std::size_t kLongText = 300;

std::string_view name_of_scaling(RopeScaling scaling) {
  switch (scaling) {
    case RopeScaling::None:
      return "none";
    case RopeScaling::Linear:
      return "linear";
    case RopeScaling::Llama3:
      return "llama3";
    case RopeScaling::Yarn:
      return "yarn";
    case RopeScaling::LongRope:
      return "longrope";
    case RopeScaling::Divisors:
      break;
  }
  return "divisors";
}

std::string_view name_of_activation(Activation activation) {
  switch (activation) {
    case Activation::GeluErf:
      return "gelu";
    case Activation::GeluTanh:
      return "gelu_tanh";
    case Activation::Silu:
      return "silu";
    case Activation::Relu:
      return "relu";
    case Activation::ReluSquared:
      break;
  }
  return "relu_squared";
}

Json describe_rope(const RopeConfig& rope) {
  return Json::object({{"theta", rope.theta},
                       {"dims", rope.dims},
                       {"scaling", name_of_scaling(rope.scaling)},
                       {"factor", rope.factor}});
}

bool same(const LayerConfig& a, const LayerConfig& b) {
  return a.window == b.window && a.rope == b.rope;
}

/// One entry for each kind of layer, with the numbers of the layers of that kind.
Json describe_layers(const ModelConfig& config) {
  Json out(Json::Array{});
  std::vector<LayerConfig> kinds;
  for (const LayerConfig& layer : config.layer) {
    const auto is_same = [&](const LayerConfig& kind) { return same(kind, layer); };
    if (std::none_of(kinds.begin(), kinds.end(), is_same)) {
      kinds.push_back(layer);
    }
  }
  for (const LayerConfig& kind : kinds) {
    Json layers(Json::Array{});
    for (std::size_t i = 0; i < config.layer.size(); ++i) {
      if (same(config.layer[i], kind)) {
        layers.push_back(i);
      }
    }
    out.push_back(
        Json::object({{"layers", std::move(layers)},
                      {"window", kind.window == 0 ? Json() : Json(kind.window)},
                      {"rope", kind.rope ? describe_rope(config.ropes.at(*kind.rope)) : Json()}}));
  }
  return out;
}

Json describe_mixture(const MixtureConfig& mixture) {
  if (mixture.experts == 0) {
    return {};
  }
  return Json::object({{"experts", mixture.experts},
                       {"active", mixture.active},
                       {"d_expert", mixture.d_expert},
                       {"d_shared", mixture.d_shared}});
}

Json shortened(std::string_view text) {
  const std::string out = sanitize_utf8(text.substr(0, kLongText));
  return text.size() > kLongText ? out + fmt::format("... ({} bytes)", text.size()) : out;
}

Json first_entries(const Gguf& file, const GgufValue& value) {
  Json out(Json::Array{});
  if (value.kind == GgufKind::String) {
    const auto texts = file.find_strings(value.key);
    for (std::size_t i = 0; i < std::min(kArrayHead, texts->size()); ++i) {
      out.push_back(shortened((*texts)[i]));
    }
  } else if (value.kind == GgufKind::F32 || value.kind == GgufKind::F64) {
    const auto numbers = file.find_floats(value.key);
    for (std::size_t i = 0; i < std::min(kArrayHead, numbers->size()); ++i) {
      out.push_back((*numbers)[i]);
    }
  } else if (value.kind != GgufKind::Bool) {
    const auto numbers = file.find_ints(value.key);
    for (std::size_t i = 0; i < std::min(kArrayHead, numbers->size()); ++i) {
      out.push_back((*numbers)[i]);
    }
  }
  return Json::object({{"count", value.count}, {"first", std::move(out)}});
}

Json metadata_value(const Gguf& file, const GgufValue& value) {
  if (value.is_array) {
    return first_entries(file, value);
  }
  switch (value.kind) {
    case GgufKind::String:
      return shortened(*file.find_string(value.key));
    case GgufKind::Bool:
      return *file.find_bool(value.key);
    case GgufKind::F32:
    case GgufKind::F64:
      return *file.find_float(value.key);
    case GgufKind::U8:
    case GgufKind::I8:
    case GgufKind::U16:
    case GgufKind::I16:
    case GgufKind::U32:
    case GgufKind::I32:
    case GgufKind::U64:
    case GgufKind::I64:
    case GgufKind::Array:
      break;
  }
  return *file.find_int(value.key);
}

}  // namespace

Json describe_model(const Model& model) {
  const ModelConfig& c = model.config();
  return Json::object({
      {"family", c.family},
      {"parameters", model.parameters()},
      {"dtype", name_of(model.stored_dtype())},
      {"bytes", model.weights().bytes},
      {"layers", c.layers},
      {"d_model", c.d_model},
      {"heads", c.heads},
      {"kv_heads", c.kv_heads},
      {"d_head", c.d_head},
      {"d_mlp", c.d_mlp},
      {"vocab", c.vocab},
      {"context", c.context},
      {"norm", c.norm == NormKind::Rms ? "rms" : "layer"},
      {"activation", name_of_activation(c.activation)},
      {"gated", c.gated},
      {"parallel", c.parallel},
      {"tied", c.tied},
      {"mixture", describe_mixture(c.mixture)},
      {"attention", describe_layers(c)},
      {"points", points_of(c).size()},
  });
}

Json describe_tokenizer(const Tokenizer& tokenizer, const SpecialIds& special) {
  return Json::object({{"description", tokenizer.description()},
                       {"vocab", tokenizer.vocab_size()},
                       {"added", tokenizer.added_tokens().size()},
                       {"bos", special.bos ? Json(*special.bos) : Json()},
                       {"stop", Json::array_of(special.stop)}});
}

Json describe_tensors(std::span<const StoredTensor> tensors) {
  Json out(Json::Array{});
  for (const StoredTensor& tensor : tensors) {
    out.push_back(Json::object(
        {{"name", tensor.name}, {"type", tensor.type}, {"shape", Json::array_of(tensor.shape)}}));
  }
  return out;
}

Json describe_metadata(const Gguf& file) {
  Json out = Json::object({});
  for (const GgufValue& value : file.metadata()) {
    out.append_member(sanitize_utf8(value.key), metadata_value(file, value));
  }
  return out;
}

}  // namespace cajal
