// How well a model predicts a text, and what it knows of the world that the specimen grows up in.
#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "explain/experiments/circuits.h"
#include "measure/patching.h"
#include "measure/probe.h"
#include "measure/world_score.h"
#include "service/open_dictionary.h"
#include "service/options.h"
#include "service/session.h"

namespace cajal {

/// A text to predict, or questions about the world.
struct ScoreRequest : ModelOptions, InputOptions {
  std::optional<std::string> world;      // name of a task; empty: all of the default mix
  bool probes = false;                   // what is decodable inside, instead of answers
  bool patch = false;                    // at which layer and token it is read, instead
  bool circuits = false;                 // what interchanging groups of features does, instead
  std::string dictionary;                // of these; a path, empty: the specimen's
  std::string split;                     // "heldout", "train"; empty: what has an aim, and held-out
  std::optional<std::size_t> questions;  // of each kind; absent: all
  std::size_t seed = 0;                  // chooses them
};

const FieldTable<ScoreRequest>& score_fields();

struct ScoreResult {
  std::vector<TokenId> ids;
  std::vector<double> nll;  // [ids - 1]: of every token but the first, natural logarithm
  double mean_nll = 0.0;
};

/// Throws InvalidArgument for fewer than two tokens, and what input_ids and token_nll throw.
ScoreResult score(Session& session, const ScoreRequest& request,
                  const std::stop_token& cancel = {});

/// Throws InvalidArgument unless the request is for one thing.
void check_score(const ScoreRequest& request);

using ScoreProgress = std::function<void(std::size_t done, std::size_t total)>;

/// Throws NotFound, suggesting the nearest name, for an unknown task; Unsupported without a
/// tokenizer; Cancelled.
std::vector<KindScore> score_world(Session& session, const ScoreRequest& request,
                                   const std::stop_token& cancel = {},
                                   const ScoreProgress& progress = nullptr);

/// Linear probes for what the questions hide, fitted and tested at each layer; at most 1000
/// questions of each kind and split, unless told otherwise. Throws the same.
std::vector<ProbeCurve> probe_world(
    Session& session, const ScoreRequest& request, const std::stop_token& cancel = {},
    const std::function<void(std::string_view what)>& progress = nullptr);

/// At which layers and tokens the twin's residual makes the answer the twin's; 50 pairs of each
/// kind, unless told otherwise. Throws the same.
std::vector<PatchCurve> patch_world(
    Session& session, const ScoreRequest& request, const std::stop_token& cancel = {},
    const std::function<void(std::string_view what)>& progress = nullptr);

struct CircuitsOutcome {
  std::vector<CircuitScore> scores;
  OpenedDictionary dictionary;
};

/// How often interchanging the groups behind the answers of twins makes one answer the other's; 20
/// pairs of each kind, unless told otherwise. Throws the same.
CircuitsOutcome circuits_world(
    Session& session, const ScoreRequest& request, const std::stop_token& cancel = {},
    const std::function<void(std::string_view what)>& progress = nullptr);

/// {"tasks": [{"task", "kind", "split", "score", "n", "threshold", "passed", "misses": [{"prompt",
/// "answer", "said"}]}]}; threshold and passed are null where the task aims at nothing.
Json to_json(const std::vector<KindScore>& scores);

/// {"probes": [{"task", "question", "hidden", "place", "n", "unseen", "classes", "chance",
/// "majority", "best", "at_least", "at_most", "passed", "points": [{"point", "accuracy",
/// "new_words"}]}]}
Json to_json(const std::vector<ProbeCurve>& curves);

/// {"patches": [{"task", "hidden", "place", "n", "drawn", "layers": [{"point", "changed",
/// "share"}]}]}; "changed" of n answers became the twin's.
Json to_json(const std::vector<PatchCurve>& curves);

/// {"tokens": [{"id", "piece", "nll"}], "predictions", "mean_nll", "perplexity"}; the first
/// token's nll is null.
Json to_json(const ScoreResult& result, const Session& session);

}  // namespace cajal
