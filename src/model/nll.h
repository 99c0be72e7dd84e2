// How well a model predicts a text.
#pragma once

#include <stop_token>
#include <vector>

#include "model/model.h"

namespace cajal {

/// Negative log-likelihood of each token after the first, natural log: [tokens - 1]. Runs in
/// chunks, so that logits of a long text need little memory. Throws InvalidArgument if there are
/// fewer than 2 tokens or more than the context, CorruptData if the logits are not finite, and
/// Cancelled between chunks.
std::vector<double> token_nll(Backend& backend, const Model& model, std::span<const TokenId> tokens,
                              Precision precision, const std::stop_token& cancel = {});

double mean(std::span<const double> values);

}  // namespace cajal
