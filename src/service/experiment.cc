#include "service/experiment.h"

#include "base/error.h"
#include "service/asked.h"
#include "service/identity.h"
#include "service/shared_folder.h"

namespace cajal {

const FieldTable<ExperimentRequest>& experiment_fields() {
  static const FieldTable<ExperimentRequest> table = [] {
    FieldTable<ExperimentRequest> out = {{{.name = "name",
                                           .help = "which experiment (default: list them)",
                                           .value = "NAME",
                                           .positional = true},
                                          &ExperimentRequest::name}};
    append(out, model_fields<ExperimentRequest>());
    append<ExperimentRequest>(
        out, {{dictionary_field(), &ExperimentRequest::dictionary},
              {{.name = "cases",
                .help = "how many cases that training never showed",
                .min = 1,
                .max = 10000},
               &ExperimentRequest::cases},
              {{.name = "development",
                .help = "how many other cases to choose place and strength on",
                .min = 1,
                .max = 10000},
               &ExperimentRequest::development},
              {{.name = "seed", .help = "chooses cases and controls"}, &ExperimentRequest::seed},
              {trust_field(), &ExperimentRequest::trust}});
    return out;
  }();
  return table;
}

namespace {

Subject nameable(Session& session, const OpenedDictionary& dictionary) {
  return {.backend = *session.backend,
          .model = session.model,
          .dictionary = dictionary.dictionary,
          .tokenizer = session.tokenizer,
          .precision = session.precision,
          .stop = session.special.stop};
}

}  // namespace

Subject subject_of(Session& session, const OpenedDictionary& dictionary) {
  check_reads_text(session, "questions are text");
  return nameable(session, dictionary);
}

namespace {

/// Of ids: names for them will do.
Subject subject_of(Session& session, const OpenedDictionary& dictionary, ExperimentInput reads) {
  if (reads == ExperimentInput::Text) {
    return subject_of(session, dictionary);
  }
  if (session.tokenizer == nullptr) {
    fail(ErrorCode::Unsupported, "{}: its tokens have no names; give them with --vocab FILE",
         session.name);
  }
  return nameable(session, dictionary);
}

/// What the experiment's own model reads says nothing to another one. Empty for those.
std::span<const TokenId> own_prompt(const Session& session, const ExperimentHome& home) {
  const bool own = !home.prompt.empty() && model_hash(session.path) == home.model_hash;
  return own ? home.prompt : std::span<const TokenId>();
}

}  // namespace

ExperimentRequest at_home(ExperimentRequest request) {
  const ExperimentHome& home = experiment_named(request.name).home;
  if (home.model.empty()) {
    return request;
  }
  if (request.model.empty()) {
    request.model = find_shared(home.model).string();
    if (request.vocab.empty() && !home.vocab.empty()) {
      request.vocab = find_shared(home.vocab).string();
    }
  }
  if (request.dictionary.empty()) {
    request.dictionary = find_learned(home.dictionary).string();
  }
  return request;
}

ExperimentOutcome run_experiment(Session& session, const ExperimentRequest& request,
                                 const std::stop_token& cancel,
                                 const ExperimentProgress& progress) {
  const ExperimentEntry& entry = experiment_named(request.name);
  ExperimentOutcome out;
  out.dictionary = open_dictionary_for(session, request.dictionary, {}, request.trust, cancel,
                                       own_prompt(session, entry.home));
  out.result = entry.run(subject_of(session, out.dictionary, entry.home.reads),
                         {.cases = request.cases,
                          .development = request.development,
                          .seed = request.seed,
                          .corpus = entry.home.corpus.empty() ? std::filesystem::path()
                                                              : find_shared(entry.home.corpus),
                          .cancel = cancel,
                          .progress = progress});
  return out;
}

Provenance provenance_of(const Session& session, const ExperimentOutcome& outcome,
                         std::size_t seed) {
  Provenance out = session.provenance();
  outcome.dictionary.describe(out);
  out.seed = seed;
  return out;
}

Json experiments_json() {
  Json list(Json::Array{});
  for (const ExperimentEntry& entry : experiments()) {
    list.push_back(
        Json::object({{"name", std::string(entry.name)}, {"summary", std::string(entry.summary)}}));
  }
  return Json::object({{"experiments", std::move(list)}});
}

}  // namespace cajal
