// What a change inside a model does to its predictions: cross-entropy and KL divergence, in nats.
//
// With CE of the model as it is (orig), with the change (sae) and with an ablation (abl):
//   delta_ce = CE_sae - CE_orig          ce_recovered = (CE_abl - CE_sae) / (CE_abl - CE_orig)
//   KL(original || changed)              kl_score = (KL_abl - KL_sae) / KL_abl
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "tensor/matrix.h"

namespace cajal {

/// Of one token: what the change costs when it is the last one seen.
struct PredictionChange {
  double cross_entropy = 0.0;  // -log p(the token that follows); 0 where none does
  double kl = 0.0;             // of all predictions, from the original's
};

/// [rows] for logits [rows, vocab] of F32 or F64; targets [rows], -1: none. In double.
std::vector<PredictionChange> prediction_changes(ConstMatRef original, ConstMatRef changed,
                                                 std::span<const std::int32_t> targets);

/// Averages over tokens.
class PredictionMeans {
 public:
  /// `counted` [rows]: those that count, empty: all.
  void add(std::span<const PredictionChange> changes, std::span<const std::int32_t> targets,
           std::span<const std::uint8_t> counted = {});
  double cross_entropy() const noexcept {
    return predictions_ == 0 ? 0.0 : ce_ / counts(predictions_);
  }
  double kl() const noexcept { return rows_ == 0 ? 0.0 : kl_ / counts(rows_); }
  /// Tokens that another follows.
  std::size_t predictions() const noexcept { return predictions_; }

 private:
  static double counts(std::size_t n) noexcept { return static_cast<double>(n); }
  double ce_ = 0.0;
  double kl_ = 0.0;
  std::size_t predictions_ = 0;
  std::size_t rows_ = 0;
};

/// nullopt where the ablation changes nothing.
std::optional<double> ce_recovered(double original, double changed, double ablated);
std::optional<double> kl_score(double changed, double ablated);

}  // namespace cajal
