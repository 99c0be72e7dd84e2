// Gradients of a forward pass: for training everything flows, for tracing some of it is frozen.
//
// One walk serves both. What is frozen is treated as a constant that was read off the tape, so that
// what remains is linear in the residual stream (the local replacement model of Ameisen et al.
// 2025, "Circuit Tracing"): many gradients then share every product.
#pragma once

#include "model/parameters.h"
#include "model/tape.h"

namespace cajal {

/// What counts as a constant. Each by itself.
struct Freeze {
  bool patterns = false;      // of attention: nothing flows into q and k
  bool denominators = false;  // of every norm, those of heads and the final one included; a
                              // LayerNorm still subtracts the mean
  bool mlps = false;          // what MLPs give: nothing flows through them; what is injected at
                              // mlp_pre still flows to their input
  static constexpr Freeze everything() {
    return {.patterns = true, .denominators = true, .mlps = true};
  }
};

struct BackwardOptions {
  Freeze freeze = {};
  Precision precision = Precision::F32;
  /// Gradients that walk back at once. All matrices then have seeds * rows rows: those of the
  /// first, then those of the next, ...
  std::size_t seeds = 1;
  /// With everything frozen and one sequence: only its first so many rows, where nothing later is
  /// injected, so that gradients there are 0. All matrices then have seeds * prefix rows. 0: all.
  std::size_t prefix = 0;
  /// d loss / d logits, [seeds * logit rows, vocab]; it is overwritten. Absent: 0.
  MatRef dlogits = {};
  /// At a point the value is d loss / d (what was there), which has one row for each seed and row
  /// of the point. Edits run first: what they add is injected there. A reader is not called where
  /// no gradient arrives: above every seed and injection, and at what is frozen. There are none at
  /// attn_scores, attn_probs and the points of a router.
  const PointSet* points = nullptr;
  /// Where gradients of parameters are added; nullptr: not computed. With one seed only.
  const Gradients* gradients = nullptr;
};

/// Walks back through the pass that `tape` holds, of this model, with weights that have not changed
/// since. A tape that keeps rounded values (Precision::BF16 without points) can be walked back with
/// that precision and without points only. Throws InvalidArgument where these do not fit, and
/// Unsupported for gradients through mixtures of experts, whose MLPs must be frozen.
void backward(Backend& backend, const Model& model, Tape& tape, const BackwardOptions& options);

}  // namespace cajal
