// How well a model predicts a text.
#pragma once

#include <vector>

#include "model/model.h"

namespace cajal {

/// Negative log-likelihood of each token after the first, natural log: [tokens - 1]. Runs in
/// chunks, so that logits of a long text need little memory.
std::vector<double> token_nll(Backend& backend, const Model& model, std::span<const TokenId> tokens,
                              Precision precision);

double mean(std::span<const double> values);

}  // namespace cajal
