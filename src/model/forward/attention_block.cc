#include "model/forward/forward_pass.h"

namespace cajal {

void ForwardPass::attention_block(std::size_t layer, ConstMatRef residual, Matrix& out,
                                  Matrix& post) {
  if (config_.norm_before) {
    normalize(weights(layer).attn_norm, residual, attn_in_.ref());
  } else {
    backend_.copy(residual, attn_in_.ref());
  }
  at(PointKind::AttnIn, layer, attn_in_.ref());
  compute_qkv(layer, attn_in_.ref());
  attend(layer);
  at(PointKind::Z, layer, z_.ref());
  project(weights(layer).o, z_.ref(), out.ref());
  at(PointKind::AttnOut, layer, out.ref());
  const MatRef added = finish_branch(weights(layer).attn_post_norm, out.ref(), post);
  if (config_.branch_is_changed()) {
    at(PointKind::AttnOutPost, layer, added);
  }
}

void ForwardPass::compute_qkv(std::size_t layer, ConstMatRef in) {
  const LayerWeights& w = weights(layer);
  if (w.qkv_per_head) {
    unpack_heads(layer, in);
  } else {
    project(w.q, in, q_.ref());
    project(w.k, in, k_.ref());
    project(w.v, in, v_.ref());
  }
  if (config_.clip_qkv != 0.0) {
    ops::clamp(backend_, q_.ref(), config_.clip_qkv, q_.ref());
    ops::clamp(backend_, k_.ref(), config_.clip_qkv, k_.ref());
    ops::clamp(backend_, v_.ref(), config_.clip_qkv, v_.ref());
  }
  if (config_.qk_norm != QkNorm::None) {
    normalize_heads(w.q_norm, config_.heads, q_.ref());
    normalize_heads(w.k_norm, config_.kv_heads, k_.ref());
  }
  if (const auto rope = config_.layer[layer].rope) {
    for (Matrix* x : {&q_, &k_}) {
      ops::rotate(backend_, {.x = x->ref(),
                             .cos = ropes_[*rope].cos.ref(),
                             .sin = ropes_[*rope].sin.ref(),
                             .d_head = config_.d_head,
                             .neighbours = config_.ropes[*rope].neighbours});
    }
  }
  at(PointKind::Q, layer, q_.ref());
  at(PointKind::K, layer, k_.ref());
  at(PointKind::Value, layer, v_.ref());
}

void ForwardPass::unpack_heads(std::size_t layer, ConstMatRef in) {
  Matrix packed = make(3 * config_.q_width());
  project(weights(layer).qkv_per_head, in, packed.ref());
  const MatRef heads = packed.ref().split_rows(config_.heads);  // [rows * heads, 3 * d_head]
  std::size_t part = 0;
  for (Matrix* x : {&q_, &k_, &v_}) {
    backend_.copy(heads.col_range(part * config_.d_head, config_.d_head),
                  x->ref().split_rows(config_.heads));
    ++part;
  }
}

void ForwardPass::normalize_heads(const NormWeights& norm, std::size_t heads, MatRef x) {
  const MatRef view = config_.qk_norm == QkNorm::PerHead ? x.split_rows(heads) : x;
  ops::normalize(backend_, {.in = view,
                            .gain = norm.gain,
                            .bias = norm.bias,
                            .out = view,
                            .normalized = {},
                            .kind = config_.qk_norm_kind,
                            .epsilon = config_.norm_epsilon,
                            .gain_offset = config_.norm_gain_offset});
}

AttentionShape ForwardPass::attention_shape(std::size_t layer,
                                            const BatchLayout::Segment& segment) const {
  const double by_layer = config_.scale_by_layer ? static_cast<double>(layer + 1) : 1.0;
  return {.heads = config_.heads,
          .kv_heads = config_.kv_heads,
          .d_head = config_.d_head,
          .first = segment.before,
          .window = config_.layer[layer].window,
          .scale = config_.scale_of_scores() / by_layer,
          .soft_cap = config_.score_soft_cap,
          .sinks = weights_.layers[layer].sinks};
}

void ForwardPass::attend(std::size_t layer) {
  const bool pattern = wants(PointKind::AttnScores, layer) || wants(PointKind::AttnProbs, layer);
  for (const BatchLayout::Segment& s : layout_.segments) {
    const MatRef keys = cache_.keys(s.sequence, layer);
    const MatRef values = cache_.values(s.sequence, layer);
    backend_.copy(k_.ref().row_range(s.begin, s.rows), keys.row_range(s.before, s.rows));
    backend_.copy(v_.ref().row_range(s.begin, s.rows), values.row_range(s.before, s.rows));
    const AttentionShape shape = attention_shape(layer, s);
    if (pattern) {
      attend_with_pattern(layer, s, shape);
    } else {
      ops::attend(backend_, shape, q_.ref().row_range(s.begin, s.rows), keys, values,
                  z_.ref().row_range(s.begin, s.rows));
    }
  }
}

void ForwardPass::attend_with_pattern(std::size_t layer, const BatchLayout::Segment& s,
                                      const AttentionShape& shape) {
  const auto positions = std::span(layout_.positions).subspan(s.begin, s.rows);
  const auto sequences = std::span(layout_.sequences).subspan(s.begin, s.rows);
  Matrix pattern = make_matrix(backend_, config_.heads * s.rows, cache_.length(s.sequence));
  ops::attention_scores(backend_, shape, q_.ref().row_range(s.begin, s.rows),
                        cache_.keys(s.sequence, layer), pattern.ref());
  if (wants(PointKind::AttnScores, layer)) {
    at({PointKind::AttnScores, layer}, pattern.ref(), positions, sequences);
  }
  ops::attention_probabilities(backend_, shape, pattern.ref(), pattern.ref());
  if (wants(PointKind::AttnProbs, layer)) {
    at({PointKind::AttnProbs, layer}, pattern.ref(), positions, sequences);
  }
  ops::attention_mix(backend_, shape, pattern.ref(), cache_.values(s.sequence, layer),
                     z_.ref().row_range(s.begin, s.rows));
}

}  // namespace cajal
