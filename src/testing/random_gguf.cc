#include "testing/random_gguf.h"

#include <cmath>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/random.h"
#include "testing/bytes.h"

namespace cajal::testing {
namespace {

// Numbers of the format.
constexpr std::uint32_t kU32 = 4;
constexpr std::uint32_t kF32Value = 6;
constexpr std::uint32_t kString = 8;
constexpr std::uint32_t kF32Tensor = 0;
constexpr std::uint32_t kQ80Tensor = 8;
constexpr std::size_t kBlock = 32;  // elements of a Q8_0 block, and the alignment of tensors

struct Tensor {
  std::string name;
  std::size_t rows = 1;  // 1: a vector of gains
  std::size_t cols = 0;

  bool is_gain() const { return rows == 1; }
};

std::vector<Tensor> tensors_of(const LlamaShape& n) {
  std::vector<Tensor> out = {{"token_embd.weight", n.vocab, n.d_model},
                             {"output_norm.weight", 1, n.d_model}};
  for (std::size_t i = 0; i < n.layers; ++i) {
    const std::string layer = "blk." + std::to_string(i) + ".";
    out.push_back({layer + "attn_norm.weight", 1, n.d_model});
    out.push_back({layer + "ffn_norm.weight", 1, n.d_model});
    for (const char* name : {"attn_q", "attn_k", "attn_v", "attn_output"}) {
      out.push_back({layer + name + ".weight", n.d_model, n.d_model});
    }
    out.push_back({layer + "ffn_gate.weight", n.d_mlp, n.d_model});
    out.push_back({layer + "ffn_up.weight", n.d_mlp, n.d_model});
    out.push_back({layer + "ffn_down.weight", n.d_model, n.d_mlp});
  }
  return out;
}

std::string gains(std::size_t count) {
  Bytes out;
  for (std::size_t i = 0; i < count; ++i) {
    out.put(1.0F);
  }
  return out.str();
}

/// Levels from -128 to 127, whose root mean square is 74; the scale is the power of two that brings
/// them nearest to a spread of 1 / sqrt(cols).
std::string blocks(const Tensor& tensor, std::uint64_t stream) {
  const double scale = std::log2(74.0 * std::sqrt(static_cast<double>(tensor.cols)));
  const auto f16 = static_cast<std::uint16_t>((15 - std::lround(scale)) << 10U);
  Bytes out;
  for (std::size_t block = 0; block < tensor.rows * tensor.cols / kBlock; ++block) {
    out.put(f16);
    for (std::size_t i = 0; i < kBlock / 8; ++i) {
      out.put(random_bits(1, stream, block * (kBlock / 8) + i));
    }
  }
  return out.str();
}

/// Metadata under "llama.".
void put_size(Bytes& out, const std::string& key, std::size_t value) {
  out.gguf_string("llama." + key).put(kU32).put(static_cast<std::uint32_t>(value));
}

Bytes header(const LlamaShape& n, std::size_t tensors) {
  Bytes out = gguf_start(tensors, 8);
  out.gguf_string("general.architecture").put(kString).gguf_string("llama");
  put_size(out, "block_count", n.layers);
  put_size(out, "context_length", n.context);
  put_size(out, "embedding_length", n.d_model);
  put_size(out, "feed_forward_length", n.d_mlp);
  put_size(out, "attention.head_count", n.heads);
  put_size(out, "attention.head_count_kv", n.heads);
  out.gguf_string("llama.attention.layer_norm_rms_epsilon").put(kF32Value).put(1e-5F);
  return out;
}

}  // namespace

void write_random_gguf(const std::filesystem::path& path, const LlamaShape& shape) {
  const std::vector<Tensor> tensors = tensors_of(shape);
  Bytes out = header(shape, tensors.size());
  Bytes data;
  std::uint64_t stream = 0;
  for (const Tensor& tensor : tensors) {
    out.gguf_string(tensor.name).put(std::uint32_t{tensor.is_gain() ? 1U : 2U});
    out.put(std::uint64_t{tensor.cols});
    if (!tensor.is_gain()) {
      out.put(std::uint64_t{tensor.rows});
    }
    out.put(tensor.is_gain() ? kF32Tensor : kQ80Tensor).put(std::uint64_t{data.str().size()});
    data.text(tensor.is_gain() ? gains(tensor.cols) : blocks(tensor, stream++)).pad_to(kBlock);
  }
  write_file(path, out.pad_to(kBlock).text(data.str()).str());
}

}  // namespace cajal::testing
