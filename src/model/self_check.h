// Identities that must hold at run time, whatever the weights.
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "model/model.h"

namespace cajal {

struct CheckResult {
  std::string name;  // "resid_pre + attn = resid_mid"
  double largest_error = 0.0;
  double tolerance = 0.0;
  bool passed = false;
};

struct SelfCheck {
  std::vector<CheckResult> checks;
  double mean_nll = 0.0;     // of `tokens`
  double uniform_nll = 0.0;  // ln(vocab): a model no better than this knows nothing of the text
  std::vector<std::string> warnings;
};

/// Runs `tokens` (at least 2) through the model, reading every point, and checks that the values
/// fit together and that reading changed nothing. `is_sentence`: the tokens are plain text, so that
/// a NLL no better than uniform deserves a warning. Throws Cancelled between layers.
SelfCheck self_check(Backend& backend, const Model& model, std::span<const TokenId> tokens,
                     Precision precision, bool is_sentence, const std::stop_token& cancel = {});

}  // namespace cajal
