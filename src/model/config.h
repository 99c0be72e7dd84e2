// What a decoder language model is, whatever family it comes from.
//
// A family (families/*.cc) turns its configuration file into this; the forward pass reads only
// this. Everything has the value of the plainest model, so that a family says only what differs.
#pragma once

#include <cmath>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "ops/rows.h"

namespace cajal {

enum class RopeScaling : std::uint8_t { None, Linear, Llama3, Yarn, LongRope, Divisors };

/// Rotary positions. The formula of each scaling is in rope.cc.
struct RopeConfig {
  double theta = 10000.0;
  std::size_t dims = 0;     // columns of a head that are rotated; the rest passes through
  bool neighbours = false;  // pairs (2i, 2i + 1) instead of (i, i + dims / 2)
  RopeScaling scaling = RopeScaling::None;
  double factor = 1.0;
  double low_freq_factor = 1.0;
  double high_freq_factor = 4.0;
  double original_context = 0.0;
  double beta_fast = 32.0;
  double beta_slow = 1.0;
  bool truncate = true;
  std::optional<double> attention_factor;  // multiplies cos and sin
  std::vector<double> short_factor;  // [dims / 2]; Divisors: what each frequency is divided by
  std::vector<double> long_factor;   // [dims / 2]
};

/// How one layer's attention differs from the next.
struct LayerConfig {
  std::size_t window = 0;           // keys a query sees, itself included; 0: all
  std::optional<std::size_t> rope;  // index into ModelConfig::ropes; absent: not rotated
};

enum class QkNorm : std::uint8_t { None, PerHead, Whole };

struct MixtureConfig {
  std::size_t experts = 0;  // 0: no mixture
  std::size_t active = 0;   // experts per token
  std::size_t d_expert = 0;
  std::size_t d_shared = 0;      // width of the shared expert; 0: none
  bool softmax_over_all = true;  // before choosing the best; false: softmax over the chosen
  bool renormalize = true;       // chosen weights sum to 1 (with softmax_over_all)
  bool clamped = false;          // gpt_oss's clamped gate
  double clamp_alpha = 1.702;
  double clamp_limit = 7.0;
};

struct ModelConfig {
  std::string family;  // model_type
  std::size_t layers = 0;
  std::size_t heads = 0;
  std::size_t kv_heads = 0;
  std::size_t d_model = 0;
  std::size_t d_head = 0;
  std::size_t d_mlp = 0;
  std::size_t vocab = 0;
  std::size_t context = 0;  // longest sequence, in tokens

  // Norms.
  NormKind norm = NormKind::Rms;
  double norm_epsilon = 1e-6;
  double norm_gain_offset = 0.0;
  bool norm_before = true;   // of attention and of the MLP
  bool norm_after = false;   // of what they give, before it is added
  bool parallel = false;     // residual + attention + MLP, both from the block's input
  bool shared_norm = false;  // parallel: one norm feeds both

  // Attention.
  std::optional<double> score_scale;  // absent: 1 / sqrt(d_head)
  bool scale_by_layer = false;        // also divided by layer + 1
  double score_soft_cap = 0.0;        // 0: none
  double clip_qkv = 0.0;              // 0: none
  QkNorm qk_norm = QkNorm::None;
  NormKind qk_norm_kind = NormKind::Rms;
  std::vector<RopeConfig> ropes;
  std::vector<LayerConfig> layer;  // [layers]

  // MLP.
  Activation activation = Activation::Silu;
  bool gated = true;
  MixtureConfig mixture;

  // Ends and multipliers.
  double embedding_scale = 1.0;
  bool round_embedding_scale = false;  // to the type the table is stored in (Gemma)
  std::size_t position_offset = 0;     // learned positions: position p uses row p + offset
  bool learned_positions = false;
  double residual_multiplier = 1.0;  // of what attention and MLP add
  double logit_multiplier = 1.0;
  double logit_soft_cap = 0.0;  // 0: none
  bool tied = false;            // the head is the embedding table

  double scale_of_scores() const noexcept {
    return score_scale.value_or(1.0 / std::sqrt(static_cast<double>(d_head)));
  }
  std::size_t q_width() const noexcept { return heads * d_head; }
  std::size_t kv_width() const noexcept { return kv_heads * d_head; }
  /// Whether what a branch adds differs from what its last projection gives.
  bool branch_is_changed() const noexcept { return norm_after || residual_multiplier != 1.0; }
  bool logits_are_changed() const noexcept {
    return logit_soft_cap != 0.0 || logit_multiplier != 1.0;
  }
};

/// Throws CorruptData unless layers and heads are counts that memory may be set aside for.
void check_counts(const ModelConfig& config, std::string_view where);

/// Throws CorruptData naming `where` and the field if sizes are absurd (0 heads, more than 10^7 of
/// anything, heads not a multiple of key heads, an odd number of rotated columns, ...).
void validate(const ModelConfig& config, std::string_view where);

}  // namespace cajal
