#include <array>

#include "model/backward/backward_pass.h"

namespace cajal {
namespace {

constexpr std::array kMlpPoints = {PointKind::MlpOutPost, PointKind::MlpOut,
                                   PointKind::MlpAct,     PointKind::MlpPre,
                                   PointKind::MlpIn,      PointKind::MlpInNormalized};
constexpr std::array kInside = {PointKind::MlpOutPost, PointKind::MlpOut, PointKind::MlpAct,
                                PointKind::MlpPre};
constexpr std::array kInputs = {PointKind::MlpIn, PointKind::MlpInNormalized};

/// m[r, c] *= gain[0, c] + offset. Host memory.
template <typename T>
void multiply_columns(MatrixView<T> m, ConstMatRef gain, double offset) {
  std::vector<double> factors(m.cols);
  for (std::size_t c = 0; c < m.cols; ++c) {
    factors[c] = element(gain, 0, c) + offset;
  }
  for (std::size_t r = 0; r < m.rows; ++r) {
    for (std::size_t c = 0; c < m.cols; ++c) {
      m.row(r)[c] = static_cast<T>(static_cast<double>(m.row(r)[c]) * factors[c]);
    }
  }
}

void multiply_columns(MatRef m, ConstMatRef gain, double offset) {
  if (m.dtype == DType::F64) {
    multiply_columns(m.as<double>(), gain, offset);
  } else {
    multiply_columns(m.as<float>(), gain, offset);
  }
}

}  // namespace

void BackwardPass::mlp_back(std::size_t layer, const Gradient& gradient) {
  if (!gradient.live && !edits_any(kMlpPoints, layer)) {
    return;
  }
  const ArenaScope scope(arena_);
  const LayerWeights& w = weights(layer);
  Gradient out = gradient;
  if (gradient.live || edits_any(kInside, layer)) {
    out = finish_branch(
        layer,
        {.post = PointKind::MlpOutPost,
         .out = PointKind::MlpOut,
         .post_norm = &w.mlp_post_norm,
         .place = places_ == nullptr ? nullptr : &places_->layers[layer].mlp_post_norm,
         .norm_in = tape(layer).mlp_out},
        gradient);
  }
  if (options_.freeze.mlps) {
    frozen_back(layer, out);
    return;
  }
  const MatRef din = make(config_.d_model);
  dense_back(layer, out, din);
  mlp_input_back(layer, din);
}

/// What an MLP gives is a constant, but its neurons can be looked at and pulled on: a gradient
/// reaches mlp_act, and one injected at mlp_pre goes on to the input.
void BackwardPass::frozen_back(std::size_t layer, const Gradient& gradient) {
  const MlpWeights& w = weights(layer).mlp;
  if (gradient.live && wants(PointKind::MlpAct, layer)) {
    const MatRef dact = make(config_.d_mlp);
    project_back(w.down, as_input(gradient), dact);
    at(PointKind::MlpAct, layer, dact);
  }
  const bool pulled = edits(PointKind::MlpPre, layer);
  if (!pulled && !edits_any(kInputs, layer)) {
    return;
  }
  const MatRef din = make_zeros(seeds() * rows(), config_.d_model);
  if (pulled) {
    const MatRef dpre = make_zeros(seeds() * rows(), config_.d_mlp);
    at(PointKind::MlpPre, layer, dpre);
    project_back(config_.gated ? w.gate : w.up, dpre, din);
  }
  mlp_input_back(layer, din);
}

void BackwardPass::dense_back(std::size_t layer, const Gradient& gradient, MatRef din) {
  const MlpWeights& w = weights(layer).mlp;
  const MlpWeights* place = places_ == nullptr ? nullptr : &places_->layers[layer].mlp;
  const LayerTape& t = tape(layer);
  const MatRef dact = make(config_.d_mlp);
  const ConstMatRef dout = as_input(gradient);
  project_back(w.down, dout, dact);
  if (place != nullptr) {
    add_gradient(place->down, t.act, dout);
  }
  at(PointKind::MlpAct, layer, dact);
  if (config_.gated) {
    gated_back(layer, dact, din);
    return;
  }
  const MatRef dup = make_input(config_.d_mlp);
  for (std::size_t seed = 0; seed < seeds(); ++seed) {
    ops::activate_vjp(backend_, config_.activation, t.up, of_seed(dact, seed), of_seed(dup, seed));
  }
  at(PointKind::MlpPre, layer, dup);
  project_back(w.up, dup, din);
  if (place != nullptr) {
    add_gradient(place->up, t.mlp_in, dup);
  }
}

void BackwardPass::gated_back(std::size_t layer, MatRef dact, MatRef din) {
  const MlpWeights& w = weights(layer).mlp;
  const MlpWeights* place = places_ == nullptr ? nullptr : &places_->layers[layer].mlp;
  const LayerTape& t = tape(layer);
  const MatRef both = make_input(2 * config_.d_mlp);
  const MatRef dgate = both.col_range(0, config_.d_mlp);
  const MatRef dup = both.col_range(config_.d_mlp, config_.d_mlp);
  for (std::size_t seed = 0; seed < seeds(); ++seed) {
    ops::activate_gated_vjp(backend_, config_.activation, t.gate, t.up, of_seed(dact, seed),
                            of_seed(dgate, seed), of_seed(dup, seed));
  }
  at(PointKind::MlpPre, layer, dgate);
  const auto joined_weights = joined(w.gate, w.up);
  const auto joined_place = place == nullptr ? std::nullopt : joined(place->gate, place->up);
  if (joined_weights) {
    project_back(*joined_weights, both, din);
  } else {
    project_back(w.gate, dgate, din);
    project_back(w.up, dup, din, Into::Add);
  }
  if (joined_place) {
    add_gradient(*joined_place, t.mlp_in, both);
  } else if (place != nullptr) {
    add_gradient(place->gate, t.mlp_in, dgate);
    add_gradient(place->up, t.mlp_in, dup);
  }
}

void BackwardPass::mlp_input_back(std::size_t layer, MatRef din) {
  at(PointKind::MlpIn, layer, din);
  const LayerTape& t = tape(layer);
  const NormWeights& norm = weights(layer).mlp_norm;
  const NormWeights* place = places_ == nullptr ? nullptr : &places_->layers[layer].mlp_norm;
  const ConstMatRef in = config_.parallel ? t.resid_pre : t.resid_mid;
  if (!wants(PointKind::MlpInNormalized, layer)) {
    into_residual(norm, place, in, din);
    return;
  }
  if (place != nullptr && place->gain) {  // before the gain is multiplied in
    normalize_back({.in = in, .dy = din, .kind = config_.norm}, norm, place);
  }
  if (norm.gain) {
    multiply_columns(din, norm.gain, config_.norm_gain_offset);
  }
  at(PointKind::MlpInNormalized, layer, din);
  into_residual({}, nullptr, in, din);
}

}  // namespace cajal
