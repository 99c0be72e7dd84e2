// From the residual stream to logits: the final norm, the head, and what follows it.
#pragma once

#include <functional>

#include "model/model.h"

namespace cajal {

/// Called with the value at FinalNorm, LogitsPresoftcap (where the model has it) and Logits.
using UnembedTap = std::function<void(PointKind kind, MatRef value)>;

/// Logits [rows, vocab] of residual[rows, d_model], which may be of any layer (the logit lens,
/// nostalgebraist 2020).
Matrix unembed(Backend& backend, const ModelConfig& config, const Weights& weights,
               ConstMatRef residual, Precision precision, const UnembedTap& tap = nullptr);

/// The same, written to `logits` [rows, vocab]; `final` [rows, d_model] receives the final norm.
void unembed_into(Backend& backend, const ModelConfig& config, const Weights& weights,
                  ConstMatRef residual, Precision precision, MatRef final, MatRef logits,
                  const UnembedTap& tap = nullptr);

}  // namespace cajal
