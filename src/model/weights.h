// The weights of a model as views of its files, in the shapes the forward pass uses.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "model/config.h"
#include "tensor/matrix.h"

namespace cajal {

/// out = in * weight^T + bias.
struct Projection {
  ConstMatRef weight;  // [out, in], or [in, out] if input_major
  ConstMatRef bias;    // [1, out]; absent: none
  bool input_major = false;

  explicit operator bool() const noexcept { return static_cast<bool>(weight); }
  std::size_t out_width() const noexcept { return input_major ? weight.cols : weight.rows; }
};

/// One projection with the outputs of `a`, then those of `b`, where they lie side by side in
/// memory: one product is faster than two.
std::optional<Projection> joined(const Projection& a, const Projection& b);
std::optional<Projection> joined(const Projection& a, const Projection& b, const Projection& c);

/// Both absent where a family normalises without gain and bias.
struct NormWeights {
  ConstMatRef gain;  // [1, width]; per-head norms may have a row for each head
  ConstMatRef bias;
};

struct MlpWeights {
  Projection gate;  // absent where there is no gate
  Projection up;
  Projection down;
  Projection interleaved_gate_up;  // gpt_oss instead of gate and up: columns gate, up, gate, ...
};

struct LayerWeights {
  NormWeights attn_norm;
  NormWeights attn_post_norm;
  NormWeights mlp_norm;
  NormWeights mlp_post_norm;
  Projection q;  // absent where qkv_per_head holds all three
  Projection k;
  Projection v;
  Projection qkv_per_head;  // rows q, k, v of head 0, then of head 1, ...
  Projection o;
  NormWeights q_norm;
  NormWeights k_norm;
  ConstMatRef sinks;  // [1, heads]
  MlpWeights mlp;
  Projection router;
  std::vector<MlpWeights> experts;
  MlpWeights shared;
  Projection shared_gate;  // [1, d_model]
};

struct Weights {
  ConstMatRef embeddings;  // [vocab, d_model]
  ConstMatRef positions;   // [context + offset, d_model]
  std::vector<LayerWeights> layers;
  NormWeights final_norm;
  Projection head;
  std::vector<std::shared_ptr<const void>> files;  // keep the views valid
  std::vector<Matrix> owned;                       // what could not stay as stored
  std::size_t bytes = 0;                           // of all weights the model uses, as stored
  std::size_t parameters = 0;                      // elements of them; a tied head counts once
};

}  // namespace cajal
