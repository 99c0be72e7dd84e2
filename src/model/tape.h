// What a forward pass keeps so that gradients can walk back through it.
#pragma once

#include <vector>

#include "model/arena.h"
#include "model/forward/batch_layout.h"
#include "model/model.h"
#include "model/rope.h"

namespace cajal {

/// Of one layer; absent where the model has no such thing or nothing needs it.
struct LayerTape {
  MatRef resid_pre;  // [rows, d_model]
  MatRef attn_in;    // [rows, d_model]
  MatRef qkv;        // [rows, (heads + 2 * kv_heads) * d_head]: q, k, v side by side, where one
                     // product gives all three
  MatRef raw_q;      // as projected, where clipping or a norm comes before the rotation
  MatRef raw_k;
  MatRef raw_v;
  MatRef q;         // [rows, heads * d_head], as attention uses it
  MatRef k;         // [rows, kv_heads * d_head]
  MatRef v;         // [rows, kv_heads * d_head]
  MatRef z;         // [rows, heads * d_head]
  MatRef attn_out;  // [rows, d_model], where a norm follows
  MatRef resid_mid;
  MatRef mlp_in;   // [rows, d_model]
  MatRef gate_up;  // [rows, 2 * d_mlp], where one product gives both
  MatRef gate;     // [rows, d_mlp], before the activation; absent without gate
  MatRef up;       // [rows, d_mlp], before the activation where there is no gate
  MatRef act;      // [rows, d_mlp]
  MatRef mlp_out;  // [rows, d_model], where a norm follows
};

struct TapeOptions {
  /// Keep what gradients through MLPs need. Without it they must be frozen.
  bool mlps = true;
  /// Keep the patterns of frozen attention from one backward pass to the next, less what is masked:
  /// half of heads * rows^2 numbers a layer. Of one sequence only.
  bool patterns = false;
};

/// Filled by Model::forward, read by backward(). Use it again for the next pass: its memory is
/// kept. Belongs to one backend, which must outlive it, and to one thread at a time.
class Tape {
 public:
  explicit Tape(Backend& backend, TapeOptions options = {}) : arena_(backend), options_(options) {}

  /// Tokens of the batch.
  std::size_t rows() const noexcept { return layout_.positions.size(); }
  /// Rows of the batch whose logits were computed, in order.
  std::span<const std::int32_t> logit_rows() const noexcept { return logit_rows_; }
  /// Of those rows: [logit rows, vocab].
  ConstMatRef logits() const noexcept { return logits_; }

 private:
  friend class ForwardPass;
  friend class BackwardPass;
  friend class Model;

  /// Forgets the pass before and lays out a new one.
  void begin(const Batch& batch, std::size_t final_length);

  Arena arena_;
  TapeOptions options_;
  BatchLayout layout_;
  std::vector<AttentionSegment> segments_;
  std::vector<TokenId> tokens_;
  std::vector<std::int32_t> seen_until_;  // segments_ point into it
  std::vector<RopeTables> ropes_;         // [config.ropes]
  std::vector<LayerTape> layers_;
  std::vector<std::vector<Matrix>> patterns_;  // [layers] blocks of queries; empty: not yet needed
  std::vector<std::int32_t> logit_rows_;
  MatRef final_in_;  // [logit rows, d_model]
  MatRef final_;     // [logit rows, d_model], after the norm
  MatRef logits_;
  bool rounded_ = false;  // inputs of products are kept as bf16
};

}  // namespace cajal
