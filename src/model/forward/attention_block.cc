#include "model/forward/forward_pass.h"

namespace cajal {

void ForwardPass::begin_attention(std::size_t layer) {
  const LayerWeights& w = weights(layer);
  const std::size_t q = config_.q_width();
  const std::size_t kv = config_.kv_width();
  l_->attn_in = make_input(config_.d_model);
  l_->z = make_input(q);
  const bool kept = tape_ != nullptr;
  const bool clips = config_.clip_qkv != 0.0;
  const bool changes = clips || config_.qk_norm != QkNorm::None;
  if (!changes && joined(w.q, w.k, w.v)) {
    l_->qkv = make(q + 2 * kv);
    l_->q = l_->qkv.col_range(0, q);
    l_->k = l_->qkv.col_range(q, kv);
    l_->v = l_->qkv.col_range(q + kv, kv);
    return;
  }
  l_->q = make(q);
  l_->k = make(kv);
  l_->v = make(kv);
  if (kept && changes) {
    l_->raw_q = make(q);
    l_->raw_k = make(kv);
  }
  if (kept && clips) {
    l_->raw_v = make(kv);
  }
}

MatRef ForwardPass::attention_block(std::size_t layer, ConstMatRef residual) {
  if (config_.norm_before) {
    normalize(weights(layer).attn_norm, residual, l_->attn_in);
  } else {
    copy(residual, l_->attn_in);
  }
  at(PointKind::AttnIn, layer, l_->attn_in);
  compute_qkv(layer, l_->attn_in);
  attend(layer);
  at(PointKind::Z, layer, l_->z);
  const MatRef out = l_->attn_out ? l_->attn_out : make(config_.d_model);
  project(weights(layer).o, l_->z, out);
  at(PointKind::AttnOut, layer, out);
  const MatRef added = finish_branch(weights(layer).attn_post_norm, out);
  if (config_.branch_is_changed()) {
    at(PointKind::AttnOutPost, layer, added);
  }
  return added;
}

void ForwardPass::compute_qkv(std::size_t layer, ConstMatRef in) {
  const LayerWeights& w = weights(layer);
  MatRef q = l_->raw_q ? l_->raw_q : l_->q;
  MatRef k = l_->raw_k ? l_->raw_k : l_->k;
  const MatRef v = l_->raw_v ? l_->raw_v : l_->v;
  project_qkv(layer, in, q, k, v);
  if (config_.clip_qkv != 0.0) {
    ops::clamp(backend_, q, config_.clip_qkv, l_->q);
    ops::clamp(backend_, k, config_.clip_qkv, l_->k);
    ops::clamp(backend_, v, config_.clip_qkv, l_->v);
    q = l_->q;
    k = l_->k;
  }
  if (config_.qk_norm != QkNorm::None) {
    normalize_heads(w.q_norm, config_.heads, q, l_->q);
    normalize_heads(w.k_norm, config_.kv_heads, k, l_->k);
  }
  if (const auto rope = config_.layer[layer].rope) {
    for (const MatRef x : {l_->q, l_->k}) {
      ops::rotate(backend_, {.x = x,
                             .cos = ropes_[*rope].cos.ref(),
                             .sin = ropes_[*rope].sin.ref(),
                             .d_head = config_.d_head,
                             .neighbours = config_.ropes[*rope].neighbours});
    }
  }
  at(PointKind::Q, layer, l_->q);
  at(PointKind::K, layer, l_->k);
  at(PointKind::Value, layer, l_->v);
}

void ForwardPass::project_qkv(std::size_t layer, ConstMatRef in, MatRef q, MatRef k, MatRef v) {
  const LayerWeights& w = weights(layer);
  if (w.qkv_per_head) {
    unpack_heads(layer, in, q, k, v);
  } else if (const auto all = joined(w.q, w.k, w.v); all && l_->qkv) {
    project(*all, in, l_->qkv);
  } else {
    project(w.q, in, q);
    project(w.k, in, k);
    project(w.v, in, v);
  }
}

void ForwardPass::unpack_heads(std::size_t layer, ConstMatRef in, MatRef q, MatRef k, MatRef v) {
  const MatRef packed = make(3 * config_.q_width());
  project(weights(layer).qkv_per_head, in, packed);
  const MatRef heads = packed.split_rows(config_.heads);  // [rows * heads, 3 * d_head]
  std::size_t part = 0;
  for (const MatRef x : {q, k, v}) {
    backend_.copy(heads.col_range(part * config_.d_head, config_.d_head),
                  x.split_rows(config_.heads));
    ++part;
  }
}

void ForwardPass::normalize_heads(const NormWeights& norm, std::size_t heads, ConstMatRef in,
                                  MatRef out) {
  const bool per_head = config_.qk_norm == QkNorm::PerHead;
  ops::normalize(backend_, {.in = per_head ? in.split_rows(heads) : in,
                            .gain = norm.gain,
                            .bias = norm.bias,
                            .out = per_head ? out.split_rows(heads) : out,
                            .normalized = {},
                            .kind = config_.qk_norm_kind,
                            .epsilon = config_.norm_epsilon,
                            .gain_offset = config_.norm_gain_offset});
}

AttentionShape attention_shape(const ModelConfig& config, const Weights& weights, std::size_t layer,
                               std::size_t before) {
  const double by_layer = config.scale_by_layer ? static_cast<double>(layer + 1) : 1.0;
  return {.heads = config.heads,
          .kv_heads = config.kv_heads,
          .d_head = config.d_head,
          .first = before,
          .window = config.layer[layer].window,
          .scale = config.scale_of_scores() / by_layer,
          .soft_cap = config.score_soft_cap,
          .sinks = weights.layers[layer].sinks};
}

void ForwardPass::attend(std::size_t layer) {
  if (tape_ != nullptr) {
    attend_taped(layer);
  } else {
    attend_cached(layer);
  }
}

void ForwardPass::attend_cached(std::size_t layer) {
  const bool pattern = wants(PointKind::AttnScores, layer) || wants(PointKind::AttnProbs, layer);
  for (const BatchLayout::Segment& s : layout_.segments) {
    const MatRef keys = cache_->keys(s.sequence, layer);
    const MatRef values = cache_->values(s.sequence, layer);
    backend_.copy(l_->k.row_range(s.begin, s.rows), keys.row_range(s.before, s.rows));
    backend_.copy(l_->v.row_range(s.begin, s.rows), values.row_range(s.before, s.rows));
    if (pattern) {
      attend_with_pattern(layer, s, keys, values);
    } else {
      ops::attend(backend_, attention_shape(config_, weights_, layer, s.before),
                  l_->q.row_range(s.begin, s.rows), keys, values, l_->z.row_range(s.begin, s.rows));
    }
  }
}

void ForwardPass::attend_taped(std::size_t layer) {
  if (wants(PointKind::AttnScores, layer) || wants(PointKind::AttnProbs, layer)) {
    for (const BatchLayout::Segment& s : layout_.segments) {
      attend_with_pattern(layer, s, l_->k.row_range(s.begin, s.rows),
                          l_->v.row_range(s.begin, s.rows));
    }
    return;
  }
  ops::attend_segments(backend_, attention_shape(config_, weights_, layer, 0), tape_->segments_,
                       l_->q, l_->k, l_->v, l_->z);
}

void ForwardPass::attend_with_pattern(std::size_t layer, const BatchLayout::Segment& s,
                                      ConstMatRef keys, ConstMatRef values) {
  const auto positions = std::span(layout_.positions).subspan(s.begin, s.rows);
  const auto sequences = std::span(layout_.sequences).subspan(s.begin, s.rows);
  const AttentionShape shape = attention_shape(config_, weights_, layer, s.before);
  const ArenaScope scope(arena_);
  const MatRef pattern = arena_.make(config_.heads * s.rows, keys.rows);
  ops::attention_scores(backend_, shape, l_->q.row_range(s.begin, s.rows), keys, pattern);
  if (wants(PointKind::AttnScores, layer)) {
    at({PointKind::AttnScores, layer}, pattern, positions, sequences);
  }
  ops::attention_probabilities(backend_, shape, pattern, pattern);
  if (wants(PointKind::AttnProbs, layer)) {
    at({PointKind::AttnProbs, layer}, pattern, positions, sequences);
  }
  ops::attention_mix(backend_, shape, pattern, values, l_->z.row_range(s.begin, s.rows));
}

}  // namespace cajal
