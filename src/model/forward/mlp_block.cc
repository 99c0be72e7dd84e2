#include "model/forward/forward_pass.h"

namespace cajal {

void ForwardPass::begin_mlp(std::size_t layer) {
  l_->mlp_in = make_input(config_.d_model);
  if (config_.mixture.experts != 0) {
    return;
  }
  const MlpWeights& w = weights(layer).mlp;
  if (config_.gated && joined(w.gate, w.up)) {
    l_->gate_up = make(2 * config_.d_mlp);
    l_->gate = l_->gate_up.col_range(0, config_.d_mlp);
    l_->up = l_->gate_up.col_range(config_.d_mlp, config_.d_mlp);
  } else {
    l_->up = make(config_.d_mlp);
    l_->gate = config_.gated ? make(config_.d_mlp) : MatRef();
  }
  l_->act = tape_ != nullptr ? make_input(config_.d_mlp) : l_->up;
}

MatRef ForwardPass::mlp_block(std::size_t layer, ConstMatRef residual) {
  const bool kept = tape_ == nullptr || tape_->options_.mlps;
  if (!kept) {
    begin_mlp(layer);
  }
  mlp_input(layer, residual);
  const MatRef out = l_->mlp_out ? l_->mlp_out : make(config_.d_model);
  if (config_.mixture.experts != 0) {
    mixture(layer, out);
  } else {
    dense_mlp(layer, out);
  }
  if (!kept) {
    l_->mlp_in = l_->gate_up = l_->gate = l_->up = l_->act = {};
  }
  at(PointKind::MlpOut, layer, out);
  const MatRef added = finish_branch(weights(layer).mlp_post_norm, out);
  if (config_.branch_is_changed()) {
    at(PointKind::MlpOutPost, layer, added);
  }
  return added;
}

void ForwardPass::mlp_input(std::size_t layer, ConstMatRef residual) {
  const NormWeights& norm = weights(layer).mlp_norm;
  if (!config_.norm_before) {
    copy(residual, l_->mlp_in);
  } else if (wants(PointKind::MlpInNormalized, layer)) {
    const ArenaScope scope(arena_);
    const MatRef normalized = make(config_.d_model);
    normalize(norm, residual, l_->mlp_in, normalized);
    at(PointKind::MlpInNormalized, layer, normalized);
    if (edits(PointKind::MlpInNormalized, layer)) {
      apply_gain(config_, norm, normalized, l_->mlp_in);
    }
  } else {
    normalize(norm, residual, l_->mlp_in);
  }
  at(PointKind::MlpIn, layer, l_->mlp_in);
}

void ForwardPass::dense_mlp(std::size_t layer, MatRef out) {
  const MlpWeights& w = weights(layer).mlp;
  if (const auto both = joined(w.gate, w.up); both && l_->gate_up) {
    project(*both, l_->mlp_in, l_->gate_up);
  } else {
    project(w.up, l_->mlp_in, l_->up);
    if (config_.gated) {
      project(w.gate, l_->mlp_in, l_->gate);
    }
  }
  if (config_.gated) {
    at(PointKind::MlpPre, layer, l_->gate);
    ops::activate_gated(backend_, config_.activation, l_->gate, l_->up, l_->act);
  } else {
    at(PointKind::MlpPre, layer, l_->up);
    ops::activate(backend_, config_.activation, l_->up, l_->act);
  }
  at(PointKind::MlpAct, layer, l_->act);
  project(w.down, l_->act, out);
}

}  // namespace cajal
