// How well a model predicts a text.
#pragma once

#include <stop_token>
#include <vector>

#include "service/options.h"
#include "service/session.h"

namespace cajal {

struct ScoreRequest : ModelOptions, InputOptions {};

const FieldTable<ScoreRequest>& score_fields();

struct ScoreResult {
  std::vector<TokenId> ids;
  std::vector<double> nll;  // [ids - 1]: of every token but the first, natural logarithm
  double mean_nll = 0.0;
};

/// Throws InvalidArgument for fewer than two tokens, and what input_ids and token_nll throw.
ScoreResult score(Session& session, const ScoreRequest& request, std::stop_token cancel = {});

/// {"tokens": [{"id", "piece", "nll"}], "predictions", "mean_nll", "perplexity"}; the first
/// token's nll is null.
Json to_json(const ScoreResult& result, const Session& session);

}  // namespace cajal
