#include "model/unembed.h"

namespace cajal {

Matrix unembed(Backend& backend, const ModelConfig& config, const Weights& weights,
               ConstMatRef residual, Precision precision, const UnembedTap& tap) {
  Matrix final = make_matrix(backend, residual.rows, config.d_model);
  Matrix logits = make_matrix(backend, residual.rows, config.vocab);
  unembed_into(backend, config, weights, residual, precision, final.ref(), logits.ref(), tap);
  return logits;
}

void unembed_into(Backend& backend, const ModelConfig& config, const Weights& weights,
                  ConstMatRef residual, Precision precision, MatRef final, MatRef logits,
                  const UnembedTap& tap) {
  const auto seen = [&](PointKind kind, MatRef value) {
    if (tap) {
      tap(kind, value);
    }
  };
  ops::normalize(backend, {.in = residual,
                           .gain = weights.final_norm.gain,
                           .bias = weights.final_norm.bias,
                           .out = final,
                           .kind = config.norm,
                           .epsilon = config.norm_epsilon,
                           .gain_offset = config.norm_gain_offset});
  seen(PointKind::FinalNorm, final);
  ops::gemm(backend, {.a = final,
                      .b = weights.head.weight,
                      .bias = weights.head.bias,
                      .out = logits,
                      .transpose_b = weights.head.input_major ? Transpose::No : Transpose::Yes,
                      .precision = precision});
  if (config.logits_are_changed()) {
    seen(PointKind::LogitsPresoftcap, logits);
  }
  if (config.logit_multiplier != 1.0) {
    ops::scale(backend, logits, config.logit_multiplier, logits);
  }
  if (config.logit_soft_cap != 0.0) {
    ops::soft_cap(backend, logits, config.logit_soft_cap, logits);
  }
  seen(PointKind::Logits, logits);
}

}  // namespace cajal
