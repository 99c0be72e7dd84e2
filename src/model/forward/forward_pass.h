// One forward pass under way: the batch laid out in rows, and the blocks that it goes through.
//
// forward_pass.cc holds the walk from tokens to logits, attention_block.cc and mlp_block.cc what
// happens inside a layer, mixture_block.cc the MLP of mixture models.
#pragma once

#include <vector>

#include "model/arena.h"
#include "model/forward/batch_layout.h"
#include "model/model.h"
#include "model/rope.h"
#include "model/tape.h"

namespace cajal {

class ForwardPass {
 public:
  /// All must outlive the object. The tokens of `layout` must be in the cache already.
  ForwardPass(Backend& backend, const Model& model, const BatchLayout& layout, KvCache& cache,
              const ForwardOptions& options);
  /// Keeps on `tape` what backward() needs; its layout must be set. No cache: every sequence starts
  /// with its first row.
  ForwardPass(Backend& backend, const Model& model, Tape& tape, const ForwardOptions& options);

  /// Logits as the options ask for them.
  Matrix run(std::span<const TokenId> tokens);
  /// The same, left on the tape.
  void run_taped(std::span<const TokenId> tokens);

 private:
  std::size_t rows() const noexcept { return layout_.positions.size(); }
  const LayerWeights& weights(std::size_t layer) const { return weights_.layers[layer]; }
  MatRef make(std::size_t cols) { return arena_.make(rows(), cols); }
  /// For what products read: bf16 where they round it anyway.
  MatRef make_input(std::size_t cols);

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
  /// What is added to the residual: `out` itself, or post-norm and multiplier of it.
  MatRef finish_branch(const NormWeights& post_norm, MatRef out);
  void add(ConstMatRef residual, ConstMatRef what, MatRef out);
  /// Rounds where `to` is bf16.
  void copy(ConstMatRef from, MatRef to);

  // The walk.
  MatRef walk(std::span<const TokenId> tokens);
  std::size_t depth() const;  // layers that it goes through
  MatRef embed(std::span<const TokenId> tokens);
  /// What one layer writes to, all of it kept on a tape; else the same for every layer.
  void begin_layer(std::size_t layer, MatRef residual);
  void begin_attention(std::size_t layer);
  void begin_mlp(std::size_t layer);
  MatRef layer(std::size_t layer, MatRef residual);
  std::vector<std::int32_t> logit_rows() const;
  /// Final norm and head: `final` [picks, d_model], `logits` [picks, vocab] are written.
  void unembed(ConstMatRef residual, std::span<const std::int32_t> picks, MatRef final,
               MatRef logits);

  // attention_block.cc
  MatRef attention_block(std::size_t layer, ConstMatRef residual);
  void compute_qkv(std::size_t layer, ConstMatRef in);
  void project_qkv(std::size_t layer, ConstMatRef in, MatRef q, MatRef k, MatRef v);
  void unpack_heads(std::size_t layer, ConstMatRef in, MatRef q, MatRef k, MatRef v);
  void normalize_heads(const NormWeights& norm, std::size_t heads, ConstMatRef in, MatRef out);
  void attend(std::size_t layer);
  void attend_cached(std::size_t layer);
  void attend_taped(std::size_t layer);
  void attend_with_pattern(std::size_t layer, const BatchLayout::Segment& segment, ConstMatRef keys,
                           ConstMatRef values);

  // mlp_block.cc
  MatRef mlp_block(std::size_t layer, ConstMatRef residual);
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
  KvCache* cache_ = nullptr;  // exactly one of the two is there
  Tape* tape_ = nullptr;
  const ForwardOptions& options_;

  Arena own_arena_;
  Arena& arena_;  // own_arena_ or the tape's
  std::vector<RopeTables> own_ropes_;
  std::vector<RopeTables>& ropes_;  // [config.ropes], own or the tape's
  LayerTape reused_;                // without a tape: what every layer writes to
  LayerTape* l_ = nullptr;          // of the layer under way
};

/// Multiplies by gain + offset and adds the bias: the second half of a norm, after an edit of its
/// first. Host memory.
void apply_gain(const ModelConfig& config, const NormWeights& norm, ConstMatRef in, MatRef out);

/// The shape of attention in a layer, for queries after `before` keys.
AttentionShape attention_shape(const ModelConfig& config, const Weights& weights, std::size_t layer,
                               std::size_t before);

}  // namespace cajal
