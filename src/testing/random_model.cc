#include "testing/random_model.h"

#include <cmath>

#include "base/file.h"
#include "base/parallel.h"
#include "base/random.h"
#include "io/json.h"
#include "io/safetensors_writer.h"

namespace cajal::testing {
namespace {

struct Size {
  explicit Size(const Json& config) : config_(config) {}
  std::size_t operator()(const char* key) const {
    return static_cast<std::size_t>(config_.at(key, "config").as_int(key));
  }
  const Json& config_;
};

std::vector<TensorSpec> gpt2_tensors(const Size& n) {
  const std::size_t d = n("n_embd");
  std::vector<TensorSpec> out = {{"wte.weight", DType::F32, {n("vocab_size"), d}},
                                 {"wpe.weight", DType::F32, {n("n_positions"), d}},
                                 {"ln_f.weight", DType::F32, {d}},
                                 {"ln_f.bias", DType::F32, {d}}};
  for (std::size_t i = 0; i < n("n_layer"); ++i) {
    const auto add = [&](const char* name, std::vector<std::size_t> shape) {
      out.push_back({fmt::format("h.{}.{}", i, name), DType::F32, std::move(shape)});
    };
    for (const char* norm : {"ln_1.weight", "ln_1.bias", "ln_2.weight", "ln_2.bias"}) {
      add(norm, {d});
    }
    add("attn.c_attn.weight", {d, 3 * d});
    add("attn.c_attn.bias", {3 * d});
    add("attn.c_proj.weight", {d, d});
    add("attn.c_proj.bias", {d});
    add("mlp.c_fc.weight", {d, 4 * d});
    add("mlp.c_fc.bias", {4 * d});
    add("mlp.c_proj.weight", {4 * d, d});
    add("mlp.c_proj.bias", {d});
  }
  return out;
}

std::vector<TensorSpec> llama_tensors(const Size& n) {
  const std::size_t d = n("hidden_size");
  const std::size_t mlp = n("intermediate_size");
  const std::size_t q = n("num_attention_heads") * n("head_dim");
  const std::size_t kv = n("num_key_value_heads") * n("head_dim");
  std::vector<TensorSpec> out = {{"model.embed_tokens.weight", DType::F32, {n("vocab_size"), d}},
                                 {"model.norm.weight", DType::F32, {d}}};
  for (std::size_t i = 0; i < n("num_hidden_layers"); ++i) {
    const auto add = [&](const char* name, std::vector<std::size_t> shape) {
      out.push_back(
          {fmt::format("model.layers.{}.{}.weight", i, name), DType::F32, std::move(shape)});
    };
    add("input_layernorm", {d});
    add("post_attention_layernorm", {d});
    add("self_attn.q_proj", {q, d});
    add("self_attn.k_proj", {kv, d});
    add("self_attn.v_proj", {kv, d});
    add("self_attn.o_proj", {d, q});
    add("mlp.gate_proj", {mlp, d});
    add("mlp.up_proj", {mlp, d});
    add("mlp.down_proj", {d, mlp});
  }
  return out;
}

/// Gains near 1, everything else with the spread that keeps activations of order 1.
Matrix random_rows(const TensorSpec& spec, std::size_t rows, std::size_t cols,
                   std::uint64_t stream) {
  const bool gain = spec.shape.size() == 1 && spec.name.ends_with(".weight");
  const double spread = spec.shape.size() == 1 ? 0.1 : 1.0 / std::sqrt(static_cast<double>(cols));
  Matrix values = Matrix::host(rows, cols, DType::F32);
  parallel_for(rows, 64, [&](std::size_t begin, std::size_t end) {
    for (std::size_t r = begin; r < end; ++r) {
      std::uint64_t counter = r * cols / 4;
      std::uint64_t bits = 0;
      for (std::size_t c = 0; c < cols; ++c, bits >>= 16U) {
        if (c % 4 == 0) {
          bits = random_bits(1, stream, counter++);
        }
        // Uniform with unit variance: four numbers from one draw, since nothing here needs more.
        const double u = static_cast<double>(bits & 0xFFFFU) / 65536.0 - 0.5;
        values.as<float>().row(r)[c] =
            static_cast<float>((gain ? 1.0 : 0.0) + spread * u * std::sqrt(12.0));
      }
    }
  });
  return values;
}

void write_tensor(SafetensorsWriter& writer, const TensorSpec& spec, std::uint64_t stream) {
  const std::size_t cols = spec.shape.back();
  const std::size_t rows = spec.shape.size() == 1 ? 1 : spec.shape[0];
  constexpr std::size_t kElements = std::size_t{1} << 24U;  // at a time
  const std::size_t step = std::max<std::size_t>(1, kElements / cols);
  for (std::size_t r = 0; r < rows; r += step) {
    const std::size_t count = std::min(step, rows - r);
    const Matrix values = random_rows(spec, count, cols, stream + (r << 20U));
    Matrix stored = Matrix::host(count, cols, spec.dtype);
    convert(values.ref(), stored.ref());
    writer.write(spec.name, stored.ref());
  }
}

/// All of a file, each tensor from its own stream of random numbers.
void write_tensors(const std::filesystem::path& file, std::vector<TensorSpec> specs,
                   std::uint64_t stream) {
  SafetensorsWriter writer(file, std::move(specs));
  const std::vector<TensorSpec> order(writer.order().begin(), writer.order().end());
  for (const TensorSpec& spec : order) {
    write_tensor(writer, spec, stream++);
  }
  writer.commit();
}

}  // namespace

void write_random_model(const std::filesystem::path& folder, const std::string& text) {
  const Json config = Json::parse(text, "config");
  const bool gpt2 = config.at("model_type", "").as_string("") == "gpt2";
  const Json* dtype = config.find_value("dtype");
  const Size size(config);
  const bool bf16 = dtype != nullptr && dtype->as_string("dtype") == "bfloat16";
  std::vector<TensorSpec> specs = gpt2 ? gpt2_tensors(size) : llama_tensors(size);
  for (TensorSpec& spec : specs) {
    spec.dtype = bf16 ? DType::BF16 : DType::F32;
  }
  write_tensors(folder / "model.safetensors", std::move(specs), 0);
  write_file(folder / "config.json", text);
}

void write_random_transcoders(const std::filesystem::path& folder, const TranscoderShape& shape) {
  constexpr std::uint64_t kFirstStream = 4096;  // no tensor of a model has it
  for (std::size_t layer = 0; layer < shape.layers; ++layer) {
    write_tensors(folder / fmt::format("layer_{}.safetensors", layer),
                  {{"W_enc", DType::F32, {shape.features, shape.width}},
                   {"W_dec", DType::F32, {shape.features, shape.width}},
                   {"b_enc", DType::F32, {shape.features}},
                   {"b_dec", DType::F32, {shape.width}}},
                  kFirstStream + 8 * layer);
  }
  write_file(folder / "config.yaml",
             fmt::format("model_name: random\nmodel_kind: transcoder_set\n"
                         "feature_input_hook: mlp.hook_in\nfeature_output_hook: mlp.hook_out\n"
                         "scan: random\nactivation: topk\nk: {}\n",
                         shape.k));
}

}  // namespace cajal::testing
