#include "service/score.h"

#include <cmath>

#include "model/nll.h"
#include "service/input.h"

namespace cajal {
namespace {

FieldTable<ScoreRequest> world_fields() {
  return {
      {{.name = "world",
        .help = "ask what the specimen learns instead: the questions of a task, or of all of them",
        .value = "TASK",
        .bare = true},
       &ScoreRequest::world},
      {{.name = "probes", .help = "look for what the questions hide, layer by layer"},
       &ScoreRequest::probes},
      {{.name = "patch",
        .help =
            "put a twin question's residual in place, layer by layer: where is the thing read?"},
       &ScoreRequest::patch},
      {{.name = "circuits",
        .help = "interchange the features behind the answers of two questions that differ in one "
                "hidden thing"},
       &ScoreRequest::circuits},
      {dictionary_field(), &ScoreRequest::dictionary},
      {{.name = "split",
        .help = "questions of the facts that training taught, or held out (default: what has an "
                "aim, and held-out)",
        .value = "SPLIT",
        .choices = {"heldout", "train"}},
       &ScoreRequest::split},
      {{.name = "questions",
        .help = "ask at most N of each kind (default: all; 1000 with --probes, pairs of twins: 50 "
                "with --patch, 20 with --circuits)",
        .min = 1},
       &ScoreRequest::questions},
      {{.name = "seed", .help = "chooses them"}, &ScoreRequest::seed},
  };
}

}  // namespace

const FieldTable<ScoreRequest>& score_fields() {
  static const FieldTable<ScoreRequest> table = [] {
    auto out = input_fields<ScoreRequest>();
    append(out, model_fields<ScoreRequest>());
    append(out, world_fields());
    return out;
  }();
  return table;
}

ScoreResult score(Session& session, const ScoreRequest& request, const std::stop_token& cancel) {
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
