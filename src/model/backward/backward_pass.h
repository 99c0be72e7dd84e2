// One backward pass under way; the mirror of forward/forward_pass.h, block by block.
#pragma once

#include <algorithm>

#include "model/backward/backward.h"

namespace cajal {

class BackwardPass {
 public:
  /// All must outlive the object.
  BackwardPass(Backend& backend, const Model& model, Tape& tape, const BackwardOptions& options);
  void run();

 private:
  struct Gradient {
    MatRef value;         // [seeds * rows, ...]
    MatRef rounded = {};  // the same for products, where it is at hand
    bool live = true;     // false: all 0, and nobody need look
  };

  std::size_t rows() const noexcept {
    return options_.prefix == 0 ? tape_.rows() : options_.prefix;
  }
  std::size_t seeds() const noexcept { return options_.seeds; }
  /// Those with logits.
  std::span<const std::int32_t> logit_rows() const noexcept {
    const std::span<const std::int32_t> all = tape_.logit_rows_;
    const auto end = std::lower_bound(all.begin(), all.end(), static_cast<std::int32_t>(rows()));
    return all.first(static_cast<std::size_t>(end - all.begin()));
  }
  const LayerWeights& weights(std::size_t layer) const { return weights_.layers[layer]; }
  const LayerTape& tape(std::size_t layer) const { return tape_.layers_[layer]; }
  /// [seeds * rows, cols].
  MatRef make(std::size_t cols) { return arena_.make(seeds() * rows(), cols); }
  MatRef make_zeros(std::size_t rows, std::size_t cols);
  /// For what products read: bf16 where the tape is rounded.
  MatRef make_input(std::size_t cols);
  /// The rows of one seed.
  template <typename M>
  M of_seed(M all, std::size_t seed) const {
    const std::size_t each = all.rows / seeds();
    return all.row_range(seed * each, each);
  }

  // Points.
  bool wants(PointKind kind, std::size_t layer) const noexcept {
    return options_.points != nullptr && options_.points->wants({kind, layer});
  }
  bool edits(PointKind kind, std::size_t layer) const {
    return options_.points != nullptr && options_.points->edits({kind, layer});
  }
  bool edits_in(std::size_t layer) const;
  bool edits_any(std::span<const PointKind> kinds, std::size_t layer) const;
  void at(PointKind kind, std::size_t layer, MatRef value);
  /// The same of a gradient that may be 0, which an edit brings to life.
  void at(PointKind kind, std::size_t layer, Gradient& gradient);
  void at_final(PointKind kind, MatRef value);
  void check_points() const;
  /// The lowest layer that somebody wants something of.
  std::size_t lowest_layer() const;

  // Pieces.
  ConstMatRef as_input(const Gradient& gradient);
  ConstMatRef as_input(MatRef value) { return as_input(Gradient{value}); }
  enum class Into : std::uint8_t { Write, Add };
  /// din = dout * weight, or added to what is there.
  void project_back(const Projection& projection, ConstMatRef dout, MatRef din,
                    Into how = Into::Write);
  /// Adds to the gradients of a projection, which lie at `place`.
  void add_gradient(const Projection& place, ConstMatRef in, ConstMatRef dout);
  /// The norm's gradient of each seed: dx = gradient + add.
  void normalize_back(NormVjpArgs args, const NormWeights& norm, const NormWeights* place);
  /// Adds the gradient of a branch's norm (or of none) to the residual's.
  void into_residual(const NormWeights& norm, const NormWeights* place, ConstMatRef in,
                     MatRef dout);
  /// From the gradient of what a branch adds to that of what its last projection gives.
  struct Branch {
    PointKind post;
    PointKind out;
    const NormWeights* post_norm;
    const NormWeights* place;  // of its gradients; nullptr: not wanted
    ConstMatRef norm_in;
  };
  Gradient finish_branch(std::size_t layer, const Branch& branch, Gradient gradient);

  // The walk.
  void final_back();
  void logits_back(MatRef dfinal);
  void layer_back(std::size_t layer);
  void embeddings_back();

  // attention_block.cc
  void attention_back(std::size_t layer, const Gradient& gradient);
  struct QkvGradient {
    MatRef all;  // q, k, v side by side where the tape has them so
    MatRef q;    // absent with k where nothing flows there
    MatRef k;
    MatRef v;
  };
  /// What q, k and v were projected from, and its gradient.
  struct QkvInput {
    ConstMatRef in;
    MatRef din;
  };
  QkvGradient make_qkv(std::size_t layer);
  void attend_back(std::size_t layer, ConstMatRef dz, const QkvGradient& d);
  void mix_back(std::size_t layer, ConstMatRef dz, MatRef dv);
  std::vector<ConstMatRef> pattern_of(std::size_t layer, const BatchLayout::Segment& segment);
  void heads_back(std::size_t layer, const QkvGradient& d);
  void rotate_back(std::size_t layer, MatRef dx);
  void qk_norm_back(std::size_t layer, const QkvGradient& d);
  void qkv_back(std::size_t layer, const QkvGradient& d, MatRef din);
  /// Both gradients of one of the projections; `place` is nullptr where its own is not wanted.
  void projection_back(const Projection& projection, const Projection* place, ConstMatRef dout,
                       const QkvInput& to, Into how = Into::Write);
  void packed_back(std::size_t layer, const QkvGradient& d, MatRef din);

  // mlp_block.cc
  void mlp_back(std::size_t layer, const Gradient& gradient);
  void frozen_back(std::size_t layer, const Gradient& gradient);
  void dense_back(std::size_t layer, const Gradient& gradient, MatRef din);
  void gated_back(std::size_t layer, MatRef dact, MatRef din);
  void mlp_input_back(std::size_t layer, MatRef din);

  Backend& backend_;
  const ModelConfig& config_;
  const Weights& weights_;
  Tape& tape_;
  Arena& arena_;
  const BackwardOptions& options_;
  const Weights* places_;  // of gradients; nullptr: not wanted

  Gradient residual_;  // [seeds * rows, d_model]
};

}  // namespace cajal
