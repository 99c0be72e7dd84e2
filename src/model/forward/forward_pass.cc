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
      cache_(&cache),
      options_(options),
      own_arena_(backend),
      arena_(own_arena_),
      ropes_(own_ropes_) {}

ForwardPass::ForwardPass(Backend& backend, const Model& model, Tape& tape,
                         const ForwardOptions& options)
    : backend_(backend),
      config_(model.config()),
      weights_(model.weights()),
      layout_(tape.layout_),
      tape_(&tape),
      options_(options),
      own_arena_(backend),
      arena_(tape.arena_),
      ropes_(tape.ropes_) {
  tape.rounded_ = options.precision == Precision::BF16 && options.points == nullptr &&
                  backend.activation_dtype() == DType::F32;
}

Matrix ForwardPass::run(std::span<const TokenId> tokens) {
  const MatRef residual = walk(tokens);
  const std::vector<std::int32_t> picks = logit_rows();
  Matrix logits = make_matrix(backend_, picks.size(), config_.vocab);
  if (!picks.empty()) {
    const MatRef rows = arena_.make(picks.size(), config_.d_model);
    ops::gather(backend_, residual, picks, 1.0, rows);
    unembed(rows, picks, arena_.make(picks.size(), config_.d_model), logits.ref());
  }
  return logits;
}

void ForwardPass::run_taped(std::span<const TokenId> tokens) {
  const MatRef residual = walk(tokens);
  tape_->logit_rows_ = logit_rows();
  const std::size_t picks = tape_->logit_rows_.size();
  tape_->final_in_ = residual;
  if (picks != rows()) {
    tape_->final_in_ = arena_.make(picks, config_.d_model);
    ops::gather(backend_, residual, tape_->logit_rows_, 1.0, tape_->final_in_);
  }
  tape_->final_ = arena_.make(picks, config_.d_model,
                              tape_->rounded_ ? DType::BF16 : backend_.activation_dtype());
  tape_->logits_ = arena_.make(picks, config_.vocab);
  if (picks != 0) {
    unembed(tape_->final_in_, tape_->logit_rows_, tape_->final_, tape_->logits_);
  }
}

std::size_t ForwardPass::depth() const {
  if (options_.keep || options_.logits != LogitRows::None) {
    return config_.layers;
  }
  return options_.points == nullptr ? 0 : options_.points->layers_needed(config_.layers);
}

MatRef ForwardPass::walk(std::span<const TokenId> tokens) {
  ropes_.clear();
  for (const RopeConfig& rope : config_.ropes) {
    ropes_.push_back(
        rope_tables(backend_, rope, config_.context, layout_.positions, layout_.lengths));
  }
  MatRef residual = embed(tokens);
  const std::size_t layers = depth();
  for (std::size_t i = 0; i < layers; ++i) {
    residual = layer(i, residual);
  }
  return residual;
}

MatRef ForwardPass::make_input(std::size_t cols) {
  const bool rounded = tape_ != nullptr && tape_->rounded_;
  return arena_.make(rows(), cols, rounded ? DType::BF16 : backend_.activation_dtype());
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

MatRef ForwardPass::finish_branch(const NormWeights& post_norm, MatRef out) {
  if (!config_.branch_is_changed()) {
    return out;
  }
  const MatRef post = make(config_.d_model);
  if (config_.norm_after) {
    normalize(post_norm, out, post);
    out = post;
  }
  if (config_.residual_multiplier != 1.0) {
    ops::scale(backend_, out, config_.residual_multiplier, post);
  }
  return post;
}

void ForwardPass::add(ConstMatRef residual, ConstMatRef what, MatRef out) {
  ops::add_scaled(backend_, residual, what, 1.0, out);
}

void ForwardPass::copy(ConstMatRef from, MatRef to) {
  if (from.dtype == to.dtype) {
    backend_.copy(from, to);
  } else {
    ops::round_to_bf16(backend_, from, to);
  }
}

MatRef ForwardPass::embed(std::span<const TokenId> tokens) {
  const MatRef residual = make(config_.d_model);
  ops::gather(backend_, weights_.embeddings, tokens, config_.embedding_scale, residual);
  if (config_.learned_positions) {
    const ArenaScope scope(arena_);
    std::vector<std::int32_t> rows = layout_.positions;
    for (std::int32_t& row : rows) {
      row += static_cast<std::int32_t>(config_.position_offset);
    }
    const MatRef positions = make(config_.d_model);
    ops::gather(backend_, weights_.positions, rows, 1.0, positions);
    add(residual, positions, residual);
  }
  at(PointKind::Embeddings, 0, residual);
  return residual;
}

void ForwardPass::begin_layer(std::size_t layer, MatRef residual) {
  if (tape_ != nullptr) {
    l_ = &tape_->layers_.emplace_back();
  } else {
    l_ = &reused_;
  }
  l_->resid_pre = residual;
  if (tape_ == nullptr && layer != 0) {
    return;
  }
  l_->resid_mid = tape_ == nullptr || config_.parallel ? residual : make(config_.d_model);
  begin_attention(layer);
  if (tape_ != nullptr && config_.norm_after) {
    l_->attn_out = make(config_.d_model);
    l_->mlp_out = make(config_.d_model);
  }
  if (tape_ == nullptr || tape_->options_.mlps) {
    begin_mlp(layer);
  }
}

MatRef ForwardPass::layer(std::size_t layer, MatRef residual) {
  at(PointKind::ResidPre, layer, residual);
  begin_layer(layer, residual);
  const MatRef result = tape_ == nullptr ? residual : make(config_.d_model);
  const ArenaScope scope(arena_);
  const MatRef attn = attention_block(layer, residual);
  if (config_.parallel) {
    const MatRef mlp = mlp_block(layer, residual);
    add(residual, attn, result);
    add(result, mlp, result);
  } else {
    add(residual, attn, l_->resid_mid);
    at(PointKind::ResidMid, layer, l_->resid_mid);
    add(l_->resid_mid, mlp_block(layer, l_->resid_mid), result);
  }
  at(PointKind::ResidPost, layer, result);
  return result;
}

std::vector<std::int32_t> ForwardPass::logit_rows() const {
  std::vector<std::int32_t> out;
  for (const auto& segment : layout_.segments) {
    const std::size_t end = segment.begin + segment.rows;
    const bool all = options_.logits == LogitRows::All;
    for (std::size_t r = all ? segment.begin : end - 1;
         r < end && options_.logits != LogitRows::None; ++r) {
      out.push_back(static_cast<std::int32_t>(r));
    }
  }
  return out;
}

void ForwardPass::unembed(ConstMatRef residual, std::span<const std::int32_t> picks, MatRef final,
                          MatRef logits) {
  const std::vector<std::int32_t> positions = picked(layout_.positions, picks);
  const std::vector<std::int32_t> sequences = picked(layout_.sequences, picks);
  unembed_into(backend_, config_, weights_, residual, options_.precision, final, logits,
               [&](PointKind kind, MatRef value) {
                 if (wants(kind, 0)) {
                   at({kind, 0}, value, positions, sequences);
                 }
               });
}

}  // namespace cajal
