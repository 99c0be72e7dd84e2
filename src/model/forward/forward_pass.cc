#include "model/forward/forward_pass.h"

#include <algorithm>

#include "base/error.h"
#include "model/unembed.h"

namespace cajal {
namespace {

template <typename T>
void apply_gain_typed(const ModelConfig& config, const NormWeights& norm, MatrixView<const T> in,
                      MatrixView<T> out) {
  for (std::size_t r = 0; r < in.rows; ++r) {
    for (std::size_t c = 0; c < in.cols; ++c) {
      const double gain = norm.gain ? element(norm.gain, 0, c) + config.norm_gain_offset : 1.0;
      const double bias = norm.bias ? element(norm.bias, 0, c) : 0.0;
      out.row(r)[c] = static_cast<T>(static_cast<double>(in.row(r)[c]) * gain + bias);
    }
  }
}

/// Rows whose logits are asked for.
std::vector<std::int32_t> logit_rows(const BatchLayout& layout, LogitRows which) {
  std::vector<std::int32_t> out;
  for (const auto& segment : layout.segments) {
    const std::size_t end = segment.begin + segment.rows;
    for (std::size_t r = which == LogitRows::All ? segment.begin : end - 1; r < end; ++r) {
      out.push_back(static_cast<std::int32_t>(r));
    }
  }
  return out;
}

std::vector<std::int32_t> picked(std::span<const std::int32_t> from,
                                 std::span<const std::int32_t> rows) {
  std::vector<std::int32_t> out;
  for (const std::int32_t r : rows) {
    out.push_back(from[static_cast<std::size_t>(r)]);
  }
  return out;
}

}  // namespace

void apply_gain(const ModelConfig& config, const NormWeights& norm, ConstMatRef in, MatRef out) {
  if (in.dtype == DType::F64) {
    apply_gain_typed(config, norm, in.as<const double>(), out.as<double>());
  } else {
    apply_gain_typed(config, norm, in.as<const float>(), out.as<float>());
  }
}

ForwardPass::ForwardPass(Backend& backend, const Model& model, const BatchLayout& layout,
                         KvCache& cache, const ForwardOptions& options)
    : backend_(backend),
      config_(model.config()),
      weights_(model.weights()),
      layout_(layout),
      cache_(cache),
      options_(options),
      attn_in_(make(config_.d_model)),
      q_(make(config_.q_width())),
      k_(make(config_.kv_width())),
      v_(make(config_.kv_width())),
      z_(make(config_.q_width())),
      mlp_in_(make(config_.d_model)) {
  if (config_.mixture.experts == 0) {
    up_ = make(config_.d_mlp);
    if (config_.gated) {
      gate_ = make(config_.d_mlp);
    }
  }
  for (const RopeConfig& rope : config_.ropes) {
    ropes_.push_back(rope_tables(backend, rope, config_.context, layout.positions, layout.lengths));
  }
}

Matrix ForwardPass::run(std::span<const TokenId> tokens) {
  Matrix residual = embed(tokens);
  for (std::size_t i = 0; i < config_.layers; ++i) {
    layer(i, residual.ref());
  }
  return logits(residual.ref());
}

void ForwardPass::at(PointKind kind, std::size_t layer, MatRef value) {
  if (wants(kind, layer)) {
    at({kind, layer}, value, layout_.positions, layout_.sequences);
  }
}

void ForwardPass::at(Point point, MatRef value, std::span<const std::int32_t> positions,
                     std::span<const std::int32_t> sequences) {
  options_.points->run(
      value, {.backend = backend_, .point = point, .positions = positions, .sequences = sequences});
}

void ForwardPass::project(const Projection& projection, ConstMatRef in, MatRef out) {
  ops::gemm(backend_, {.a = in,
                       .b = projection.weight,
                       .bias = projection.bias,
                       .out = out,
                       .transpose_b = projection.input_major ? Transpose::No : Transpose::Yes,
                       .precision = options_.precision});
}

void ForwardPass::normalize(const NormWeights& norm, ConstMatRef in, MatRef out,
                            MatRef normalized) {
  ops::normalize(backend_, {.in = in,
                            .gain = norm.gain,
                            .bias = norm.bias,
                            .out = out,
                            .normalized = normalized,
                            .kind = config_.norm,
                            .epsilon = config_.norm_epsilon,
                            .gain_offset = config_.norm_gain_offset});
}

MatRef ForwardPass::finish_branch(const NormWeights& post_norm, MatRef out, Matrix& post) {
  if (!config_.branch_is_changed()) {
    return out;
  }
  post = make(config_.d_model);
  if (config_.norm_after) {
    normalize(post_norm, out, post.ref());
    out = post.ref();
  }
  if (config_.residual_multiplier != 1.0) {
    ops::scale(backend_, out, config_.residual_multiplier, post.ref());
  }
  return post.ref();
}

void ForwardPass::add(MatRef residual, ConstMatRef what) {
  ops::add_scaled(backend_, residual, what, 1.0, residual);
}

Matrix ForwardPass::embed(std::span<const TokenId> tokens) {
  Matrix residual = make(config_.d_model);
  ops::gather(backend_, weights_.embeddings, tokens, config_.embedding_scale, residual.ref());
  if (config_.learned_positions) {
    std::vector<std::int32_t> rows = layout_.positions;
    for (std::int32_t& row : rows) {
      row += static_cast<std::int32_t>(config_.position_offset);
    }
    Matrix positions = make(config_.d_model);
    ops::gather(backend_, weights_.positions, rows, 1.0, positions.ref());
    add(residual.ref(), positions.ref());
  }
  at(PointKind::Embeddings, 0, residual.ref());
  return residual;
}

void ForwardPass::layer(std::size_t layer, MatRef residual) {
  at(PointKind::ResidPre, layer, residual);
  Matrix attn_out = make(config_.d_model);
  Matrix attn_post;
  attention_block(layer, residual, attn_out, attn_post);
  const ConstMatRef attn = attn_post.empty() ? attn_out.ref() : attn_post.ref();
  if (!config_.parallel) {
    add(residual, attn);
    at(PointKind::ResidMid, layer, residual);
  }
  Matrix mlp_out = make(config_.d_model);
  Matrix mlp_post;
  mlp_block(layer, residual, mlp_out, mlp_post);
  if (config_.parallel) {
    add(residual, attn);
  }
  add(residual, mlp_post.empty() ? mlp_out.ref() : mlp_post.ref());
  at(PointKind::ResidPost, layer, residual);
}

Matrix ForwardPass::logits(ConstMatRef residual) {
  if (options_.logits == LogitRows::None) {
    return make_matrix(backend_, 0, config_.vocab);
  }
  const std::vector<std::int32_t> picks = logit_rows(layout_, options_.logits);
  const std::vector<std::int32_t> positions = picked(layout_.positions, picks);
  const std::vector<std::int32_t> sequences = picked(layout_.sequences, picks);
  Matrix picked_rows = make_matrix(backend_, picks.size(), config_.d_model);
  ops::gather(backend_, residual, picks, 1.0, picked_rows.ref());
  return unembed(backend_, config_, weights_, picked_rows.ref(), options_.precision,
                 [&](PointKind kind, MatRef value) {
                   if (wants(kind, 0)) {
                     at({kind, 0}, value, positions, sequences);
                   }
                 });
}

}  // namespace cajal
