// How well a model predicts a text, or answers what the world asks.
#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "measure/probe.h"
#include "measure/world_score.h"
#include "service/options.h"
#include "service/session.h"

namespace cajal {

struct ScoreRequest : ModelOptions, InputOptions {
  std::optional<std::string> world;  // a task; empty: all; absent: a text is given
  bool probes = false;               // what is decodable inside, instead of answers
  std::size_t questions = 0;         // of each kind at most; 0: all
};

const FieldTable<ScoreRequest>& score_fields();

struct ScoreResult {
  std::vector<TokenId> ids;
  std::vector<double> nll;  // [ids - 1]: of every token but the first, natural logarithm
  double mean_nll = 0.0;
};

/// Throws InvalidArgument for fewer than two tokens, and what input_ids and token_nll throw.
ScoreResult score(Session& session, const ScoreRequest& request, std::stop_token cancel = {});

struct WorldScores {
  std::vector<KindScore> scores;
  std::vector<ProbeResult> probes;
};

/// Scores of the held-out questions and of those of the training, or with `probes` what can be read
/// off the residual stream. Throws NotFound for a task there is not, Unsupported without a
/// tokenizer, and Cancelled.
WorldScores score_on_world(Session& session, const ScoreRequest& request,
                           std::stop_token cancel = {});

/// {"tasks": [{"task", "kind", "split", "score", "n", "too_long",
/// "threshold"}], "probes": [{"task",
/// "question", "hidden", "place", "point", "accuracy", "train", "test", "at_least", "at_most"}]}
Json to_json(const WorldScores& scores);

/// {"tokens": [{"id", "piece", "nll"}], "predictions", "mean_nll", "perplexity"}; the first
/// token's nll is null.
Json to_json(const ScoreResult& result, const Session& session);

}  // namespace cajal
