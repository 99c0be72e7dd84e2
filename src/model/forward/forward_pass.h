// One forward pass under way: the batch laid out in rows, and the blocks that it goes through.
//
// forward_pass.cc holds the walk from tokens to logits, attention_block.cc and mlp_block.cc what
// happens inside a layer, mixture_block.cc the MLP of mixture models.
#pragma once

#include <vector>

#include "model/model.h"
#include "model/rope.h"

namespace cajal {

/// Rows of the batch and the sequences they belong to.
struct BatchLayout {
  struct Segment {
    std::size_t sequence = 0;  // index in the cache
    std::size_t begin = 0;     // first row
    std::size_t rows = 0;
    std::size_t before = 0;  // tokens of the sequence before these
  };
  std::vector<Segment> segments;        // those with rows
  std::vector<std::int32_t> positions;  // [rows]
  std::vector<std::int32_t> sequences;  // [rows]
  std::vector<std::size_t> lengths;     // [rows] what the rotation is chosen by
};

class ForwardPass {
 public:
  /// All must outlive the object. The tokens of `layout` must be in the cache already.
  ForwardPass(Backend& backend, const Model& model, const BatchLayout& layout, KvCache& cache,
              const ForwardOptions& options);

  /// Logits as the options ask for them.
  Matrix run(std::span<const TokenId> tokens);

 private:
  std::size_t rows() const noexcept { return layout_.positions.size(); }
  const LayerWeights& weights(std::size_t layer) const { return weights_.layers[layer]; }
  Matrix make(std::size_t cols) { return make_matrix(backend_, rows(), cols); }

  // Points.
  bool wants(PointKind kind, std::size_t layer) const noexcept {
    return options_.points != nullptr && options_.points->wants({kind, layer});
  }
  bool edits(PointKind kind, std::size_t layer) const {
    return options_.points != nullptr && options_.points->edits({kind, layer});
  }
  void at(PointKind kind, std::size_t layer, MatRef value);
  void at(Point point, MatRef value, std::span<const std::int32_t> positions,
          std::span<const std::int32_t> sequences);

  // Pieces.
  void project(const Projection& projection, ConstMatRef in, MatRef out);
  void normalize(const NormWeights& norm, ConstMatRef in, MatRef out, MatRef normalized = {});
  /// What is added to the residual: `out` itself, or post-norm and multiplier of it in `post`.
  MatRef finish_branch(const NormWeights& post_norm, MatRef out, Matrix& post);
  void add(MatRef residual, ConstMatRef what);

  // The walk.
  Matrix embed(std::span<const TokenId> tokens);
  void layer(std::size_t layer, MatRef residual);
  Matrix logits(ConstMatRef residual);

  // attention_block.cc
  void attention_block(std::size_t layer, ConstMatRef residual, Matrix& out, Matrix& post);
  void compute_qkv(std::size_t layer, ConstMatRef in);
  void unpack_heads(std::size_t layer, ConstMatRef in);
  void normalize_heads(const NormWeights& norm, std::size_t heads, MatRef x);
  void attend(std::size_t layer);
  void attend_with_pattern(std::size_t layer, const BatchLayout::Segment& segment,
                           const AttentionShape& shape);
  AttentionShape attention_shape(std::size_t layer, const BatchLayout::Segment& segment) const;

  // mlp_block.cc
  void mlp_block(std::size_t layer, ConstMatRef residual, Matrix& out, Matrix& post);
  void mlp_input(std::size_t layer, ConstMatRef residual);
  void dense_mlp(std::size_t layer, MatRef out);

  // mixture_block.cc
  struct Routing {
    std::vector<std::vector<std::int32_t>> rows;  // [experts] rows that use it
    std::vector<std::vector<double>> weights;     // [experts] and with what weight
  };
  void mixture(std::size_t layer, MatRef out);
  Routing route(std::size_t layer);
  Matrix expert(const MlpWeights& w, ConstMatRef in, std::size_t width);
  void shared_expert(std::size_t layer, MatRef out);

  Backend& backend_;
  const ModelConfig& config_;
  const Weights& weights_;
  const BatchLayout& layout_;
  KvCache& cache_;
  const ForwardOptions& options_;

  std::vector<RopeTables> ropes_;  // [config.ropes]
  // Reused by every layer.
  Matrix attn_in_;  // [rows, d_model]
  Matrix q_;        // [rows, heads * d_head]
  Matrix k_;        // [rows, kv_heads * d_head]
  Matrix v_;
  Matrix z_;       // [rows, heads * d_head]
  Matrix mlp_in_;  // [rows, d_model]
  Matrix up_;      // [rows, d_mlp]
  Matrix gate_;    // [rows, d_mlp]
};

/// Multiplies by gain + offset and adds the bias: the second half of a norm, after an edit of its
/// first. Host memory.
void apply_gain(const ModelConfig& config, const NormWeights& norm, ConstMatRef in, MatRef out);

}  // namespace cajal
