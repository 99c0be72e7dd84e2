#include <algorithm>
#include <array>
#include <cstring>

#include "model/backward/backward_pass.h"
#include "model/forward/forward_pass.h"

namespace cajal {
namespace {

constexpr std::array kAttentionPoints = {
    PointKind::AttnOutPost, PointKind::AttnOut, PointKind::Z,     PointKind::Q,
    PointKind::K,           PointKind::Value,   PointKind::AttnIn};

/// Of a pattern in one block: few, so that little is stored that is masked.
constexpr std::size_t kPatternQueries = 64;

void set_zero(MatRef m) {
  for (std::size_t r = 0; r < m.rows; ++r) {
    std::memset(m.row_range(r, 1).data, 0, m.cols * size_of(m.dtype));
  }
}

}  // namespace

void BackwardPass::attention_back(std::size_t layer, const Gradient& gradient) {
  if (!gradient.live && !edits_any(kAttentionPoints, layer)) {
    return;
  }
  const ArenaScope scope(arena_);
  const LayerWeights& w = weights(layer);
  const LayerWeights* place = places_ == nullptr ? nullptr : &places_->layers[layer];
  const Gradient out = finish_branch(layer,
                                     {.post = PointKind::AttnOutPost,
                                      .out = PointKind::AttnOut,
                                      .post_norm = &w.attn_post_norm,
                                      .place = place == nullptr ? nullptr : &place->attn_post_norm,
                                      .norm_in = tape(layer).attn_out},
                                     gradient);
  const MatRef dz = make(config_.q_width());
  const ConstMatRef dout = as_input(out);
  project_back(w.o, dout, dz);
  if (place != nullptr) {
    add_gradient(place->o, tape(layer).z, dout);
  }
  at(PointKind::Z, layer, dz);
  const QkvGradient d = make_qkv(layer);
  attend_back(layer, dz, d);
  heads_back(layer, d);
  const MatRef din = make(config_.d_model);
  qkv_back(layer, d, din);
  at(PointKind::AttnIn, layer, din);
  into_residual(w.attn_norm, place == nullptr ? nullptr : &place->attn_norm, tape(layer).resid_pre,
                din);
}

BackwardPass::QkvGradient BackwardPass::make_qkv(std::size_t layer) {
  const std::size_t q = config_.q_width();
  const std::size_t kv = config_.kv_width();
  const bool flows =
      !options_.freeze.patterns || edits(PointKind::Q, layer) || edits(PointKind::K, layer);
  QkvGradient d;
  if (!flows) {
    d.v = make(kv);
  } else if (tape(layer).qkv) {
    d.all = make(q + 2 * kv);
    d.q = d.all.col_range(0, q);
    d.k = d.all.col_range(q, kv);
    d.v = d.all.col_range(q + kv, kv);
  } else {
    d.q = make(q);
    d.k = make(kv);
    d.v = make(kv);
  }
  return d;
}

void BackwardPass::attend_back(std::size_t layer, ConstMatRef dz, const QkvGradient& d) {
  const LayerTape& t = tape(layer);
  const bool frozen = options_.freeze.patterns;
  if (frozen) {
    mix_back(layer, dz, d.v);
    if (d.q) {
      set_zero(d.q);
      set_zero(d.k);
    }
    return;
  }
  const AttentionShape shape = attention_shape(config_, weights_, layer, 0);
  for (std::size_t seed = 0; seed < seeds(); ++seed) {
    AttendVjpArgs args = {.q = t.q,
                          .k = t.k,
                          .v = t.v,
                          .dz = of_seed(dz, seed),
                          .dq = of_seed(d.q, seed),
                          .dk = of_seed(d.k, seed),
                          .dv = of_seed(d.v, seed)};
    if (places_ != nullptr && shape.sinks) {
      args.dsinks = options_.gradients->at(places_->layers[layer].sinks);
    }
    ops::attend_vjp(backend_, shape, tape_.segments_, args);
  }
}

/// In blocks of queries, from the tape where it keeps them.
std::vector<ConstMatRef> BackwardPass::pattern_of(std::size_t layer,
                                                  const BatchLayout::Segment& segment) {
  const bool keeps = tape_.options_.patterns && tape_.layout_.segments.size() == 1;
  tape_.patterns_.resize(config_.layers);
  std::vector<Matrix>& kept = tape_.patterns_[layer];
  std::vector<ConstMatRef> out;
  if (!kept.empty()) {
    for (const Matrix& block : kept) {
      out.push_back(block.ref());
    }
    return out;
  }
  const LayerTape& t = tape(layer);
  const std::size_t queries = keeps ? segment.rows : std::min(segment.rows, rows());
  for (std::size_t begin = 0; begin < queries; begin += kPatternQueries) {
    const std::size_t count = std::min(kPatternQueries, queries - begin);
    if (keeps) {
      kept.push_back(make_matrix(backend_, config_.heads * count, begin + count));
    }
    const MatRef block =
        keeps ? kept.back().ref() : arena_.make(config_.heads * count, begin + count);
    const AttentionShape shape = attention_shape(config_, weights_, layer, begin);
    ops::attention_scores(backend_, shape, t.q.row_range(segment.begin + begin, count),
                          t.k.row_range(segment.begin, begin + count), block);
    ops::attention_probabilities(backend_, shape, block, block);
    out.push_back(block);
  }
  return out;
}

/// The pattern of a segment is computed once for all seeds.
void BackwardPass::mix_back(std::size_t layer, ConstMatRef dz, MatRef dv) {
  const AttentionShape shape = attention_shape(config_, weights_, layer, 0);
  for (const BatchLayout::Segment& s : tape_.layout_.segments) {
    const ArenaScope scope(arena_);
    const std::vector<ConstMatRef> blocks = pattern_of(layer, s);
    if (s.rows >= rows()) {
      ops::attention_mix_vjp(backend_, shape,
                             {.blocks = blocks, .queries = rows(), .dz = dz, .dv = dv});
      return;
    }
    for (std::size_t seed = 0; seed < seeds(); ++seed) {
      ops::attention_mix_vjp(backend_, shape,
                             {.blocks = blocks,
                              .queries = s.rows,
                              .dz = of_seed(dz, seed).row_range(s.begin, s.rows),
                              .dv = of_seed(dv, seed).row_range(s.begin, s.rows)});
    }
  }
}

void BackwardPass::heads_back(std::size_t layer, const QkvGradient& d) {
  at(PointKind::Value, layer, d.v);
  if (d.q) {
    at(PointKind::K, layer, d.k);
    at(PointKind::Q, layer, d.q);
    rotate_back(layer, d.q);
    rotate_back(layer, d.k);
    qk_norm_back(layer, d);
  }
  if (config_.clip_qkv == 0.0) {
    return;
  }
  const LayerTape& t = tape(layer);
  const auto unclip = [&](ConstMatRef raw, MatRef dx) {
    for (std::size_t seed = 0; dx && seed < seeds(); ++seed) {
      ops::clamp_vjp(backend_, raw.row_range(0, rows()), config_.clip_qkv, of_seed(dx, seed),
                     of_seed(dx, seed));
    }
  };
  unclip(t.raw_q, d.q);
  unclip(t.raw_k, d.k);
  unclip(t.raw_v, d.v);
}

void BackwardPass::rotate_back(std::size_t layer, MatRef dx) {
  const auto rope = config_.layer[layer].rope;
  for (std::size_t seed = 0; rope && seed < seeds(); ++seed) {
    ops::rotate(backend_, {.x = of_seed(dx, seed),
                           .cos = tape_.ropes_[*rope].cos.ref(),
                           .sin = tape_.ropes_[*rope].sin.ref(),
                           .d_head = config_.d_head,
                           .neighbours = config_.ropes[*rope].neighbours,
                           .transposed = true});
  }
}

void BackwardPass::qk_norm_back(std::size_t layer, const QkvGradient& d) {
  if (config_.qk_norm == QkNorm::None) {
    return;
  }
  const ArenaScope scope(arena_);
  const bool per_head = config_.qk_norm == QkNorm::PerHead;
  const auto back = [&](MatRef raw, MatRef dx, std::size_t heads, const NormWeights& norm,
                        const NormWeights* place) {
    if (config_.clip_qkv != 0.0) {
      const MatRef clipped = arena_.make(raw.rows, raw.cols);
      ops::clamp(backend_, raw, config_.clip_qkv, clipped);
      raw = clipped;
    }
    const MatRef view = per_head ? dx.split_rows(heads) : dx;
    normalize_back({.in = per_head ? raw.split_rows(heads) : raw,
                    .dy = view,
                    .dx = view,
                    .kind = config_.qk_norm_kind},
                   norm, place);
  };
  const LayerWeights& w = weights(layer);
  const LayerWeights* place = places_ == nullptr ? nullptr : &places_->layers[layer];
  back(tape(layer).raw_q, d.q, config_.heads, w.q_norm,
       place == nullptr ? nullptr : &place->q_norm);
  back(tape(layer).raw_k, d.k, config_.kv_heads, w.k_norm,
       place == nullptr ? nullptr : &place->k_norm);
}

void BackwardPass::projection_back(const Projection& projection, const Projection* place,
                                   ConstMatRef dout, const QkvInput& to, Into how) {
  project_back(projection, dout, to.din, how);
  if (place != nullptr) {
    add_gradient(*place, to.in, dout);
  }
}

void BackwardPass::qkv_back(std::size_t layer, const QkvGradient& d, MatRef din) {
  const LayerWeights& w = weights(layer);
  if (w.qkv_per_head) {
    packed_back(layer, d, din);
    return;
  }
  const QkvInput to = {tape(layer).attn_in, din};
  const LayerWeights* place = places_ == nullptr ? nullptr : &places_->layers[layer];
  const auto all = joined(w.q, w.k, w.v);
  const auto all_places = place == nullptr ? std::nullopt : joined(place->q, place->k, place->v);
  if (d.all && all && (place == nullptr || all_places)) {
    projection_back(*all, all_places ? &*all_places : nullptr, as_input(d.all), to);
    return;
  }
  projection_back(w.v, place == nullptr ? nullptr : &place->v, as_input(d.v), to);
  if (d.q) {
    projection_back(w.q, place == nullptr ? nullptr : &place->q, as_input(d.q), to, Into::Add);
    projection_back(w.k, place == nullptr ? nullptr : &place->k, as_input(d.k), to, Into::Add);
  }
}

void BackwardPass::packed_back(std::size_t layer, const QkvGradient& d, MatRef din) {
  const MatRef packed = make(3 * config_.q_width());
  const MatRef heads = packed.split_rows(config_.heads);  // [rows * heads, 3 * d_head]
  std::size_t part = 0;
  for (const MatRef x : {d.q, d.k, d.v}) {
    const MatRef to = heads.col_range(part * config_.d_head, config_.d_head);
    if (x) {
      backend_.copy(x.split_rows(config_.heads), to);
    } else {
      set_zero(to);
    }
    ++part;
  }
  const ConstMatRef rounded = as_input(packed);
  project_back(weights(layer).qkv_per_head, rounded, din);
  if (places_ != nullptr) {
    add_gradient(places_->layers[layer].qkv_per_head, tape(layer).attn_in, rounded);
  }
}

}  // namespace cajal
