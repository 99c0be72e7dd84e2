#include "service/score.h"

#include <cmath>

#include "model/nll.h"
#include "service/input.h"

namespace cajal {
namespace {

FieldTable<ScoreRequest> world_score_fields() {
  return {
      {{.name = "world",
        .help = "ask the questions of the world instead: of all tasks, or of this one",
        .value = "[TASK]",
        .bare = true},
       &ScoreRequest::world},
      {{.name = "probes",
        .help = "with --world: read what is hidden in the questions off the model's layers"},
       &ScoreRequest::probes},
      {{.name = "questions", .help = "with --world: ask at most so many of each kind (0: all)"},
       &ScoreRequest::questions},
  };
}

}  // namespace

const FieldTable<ScoreRequest>& score_fields() {
  static const FieldTable<ScoreRequest> table = [] {
    auto out = input_fields<ScoreRequest>();
    append(out, model_fields<ScoreRequest>());
    append(out, world_score_fields());
    return out;
  }();
  return table;
}

ScoreResult score(Session& session, const ScoreRequest& request, std::stop_token cancel) {
  ScoreResult result;
  result.ids = input_ids(session, request);
  check(result.ids.size() >= 2,
        "a score needs at least two tokens, for the first is not predicted; the input has one");
  result.nll = token_nll(*session.backend, *session.model, result.ids, session.precision, cancel);
  result.mean_nll = mean(result.nll);
  return result;
}

Json to_json(const ScoreResult& result, const Session& session) {
  Json tokens(Json::Array{});
  for (std::size_t i = 0; i < result.ids.size(); ++i) {
    tokens.push_back(Json::object({{"id", result.ids[i]},
                                   {"piece", piece_text(session.tokenizer.get(), result.ids[i])},
                                   {"nll", i == 0 ? Json() : Json(result.nll[i - 1])}}));
  }
  return Json::object({{"tokens", std::move(tokens)},
                       {"predictions", result.nll.size()},
                       {"mean_nll", result.mean_nll},
                       {"perplexity", std::exp(result.mean_nll)}});
}

}  // namespace cajal
