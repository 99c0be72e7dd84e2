#include "model/forward/forward_pass.h"

namespace cajal {

void ForwardPass::mlp_block(std::size_t layer, ConstMatRef residual, Matrix& out, Matrix& post) {
  mlp_input(layer, residual);
  if (config_.mixture.experts != 0) {
    mixture(layer, out.ref());
  } else {
    dense_mlp(layer, out.ref());
  }
  at(PointKind::MlpOut, layer, out.ref());
  const MatRef added = finish_branch(weights(layer).mlp_post_norm, out.ref(), post);
  if (config_.branch_is_changed()) {
    at(PointKind::MlpOutPost, layer, added);
  }
}

void ForwardPass::mlp_input(std::size_t layer, ConstMatRef residual) {
  const NormWeights& norm = weights(layer).mlp_norm;
  if (!config_.norm_before) {
    backend_.copy(residual, mlp_in_.ref());
  } else if (wants(PointKind::MlpInNormalized, layer)) {
    Matrix normalized = make(config_.d_model);
    normalize(norm, residual, mlp_in_.ref(), normalized.ref());
    at(PointKind::MlpInNormalized, layer, normalized.ref());
    if (edits(PointKind::MlpInNormalized, layer)) {
      apply_gain(config_, norm, normalized.ref(), mlp_in_.ref());
    }
  } else {
    normalize(norm, residual, mlp_in_.ref());
  }
  at(PointKind::MlpIn, layer, mlp_in_.ref());
}

void ForwardPass::dense_mlp(std::size_t layer, MatRef out) {
  const MlpWeights& w = weights(layer).mlp;
  project(w.up, mlp_in_.ref(), up_.ref());
  if (config_.gated) {
    project(w.gate, mlp_in_.ref(), gate_.ref());
    at(PointKind::MlpPre, layer, gate_.ref());
    ops::activate_gated(backend_, config_.activation, gate_.ref(), up_.ref(), up_.ref());
  } else {
    at(PointKind::MlpPre, layer, up_.ref());
    ops::activate(backend_, config_.activation, up_.ref(), up_.ref());
  }
  at(PointKind::MlpAct, layer, up_.ref());
  project(w.down, up_.ref(), out);
}

}  // namespace cajal
