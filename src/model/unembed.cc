#include "model/unembed.h"

namespace cajal {

Matrix unembed(Backend& backend, const ModelConfig& config, const Weights& weights,
               ConstMatRef residual, Precision precision, const UnembedTap& tap) {
  const auto seen = [&](PointKind kind, MatRef value) {
    if (tap) {
      tap(kind, value);
    }
  };
  Matrix final = make_matrix(backend, residual.rows, config.d_model);
  ops::normalize(backend, {.in = residual,
                           .gain = weights.final_norm.gain,
                           .bias = weights.final_norm.bias,
                           .out = final.ref(),
                           .kind = config.norm,
                           .epsilon = config.norm_epsilon,
                           .gain_offset = config.norm_gain_offset});
  seen(PointKind::FinalNorm, final.ref());
  Matrix out = make_matrix(backend, residual.rows, config.vocab);
  ops::gemm(backend, {.a = final.ref(),
                      .b = weights.head.weight,
                      .bias = weights.head.bias,
                      .out = out.ref(),
                      .transpose_b = weights.head.input_major ? Transpose::No : Transpose::Yes,
                      .precision = precision});
  if (config.logits_are_changed()) {
    seen(PointKind::LogitsPresoftcap, out.ref());
  }
  if (config.logit_multiplier != 1.0) {
    ops::scale(backend, out.ref(), config.logit_multiplier, out.ref());
  }
  if (config.logit_soft_cap != 0.0) {
    ops::soft_cap(backend, out.ref(), config.logit_soft_cap, out.ref());
  }
  seen(PointKind::Logits, out.ref());
  return out;
}

}  // namespace cajal
