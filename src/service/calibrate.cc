// How claims fare on many prompts of the world.
#include <algorithm>
#include <chrono>

#include "base/error.h"
#include "base/file.h"
#include "corpus/world/world.h"
#include "explain/ideas.h"
#include "measure/world_score.h"
#include "service/input.h"
#include "service/verify.h"
#include "trace/trace.h"

namespace cajal {
namespace {

constexpr std::size_t kPrompts = 500;

/// As many of each task as can be, of what it held out where it held out something.
std::vector<std::string> prompts_of(const VerifyRequest& request) {
  const World world;
  const std::vector<const Task*> tasks = world.tasks_named(request.world.value_or(""));
  const std::size_t total = request.number.value_or(kPrompts);
  std::vector<std::string> out;
  for (std::size_t t = 0; t < tasks.size(); ++t) {
    std::vector<Question> questions = tasks[t]->questions(Split::Heldout);
    if (questions.empty()) {
      questions = tasks[t]->questions(Split::Train);
    }
    const std::size_t count = (t + 1) * total / tasks.size() - t * total / tasks.size();
    for (const std::size_t i :
         chosen(questions.size(), std::max<std::size_t>(count, 1), request.seed,
                fmt::format("calibrate/{}", tasks[t]->name()))) {
      if (out.size() < total && count != 0) {
        out.push_back(questions[i].prompt);
      }
    }
  }
  check(!out.empty(), "there is no prompt to calibrate with");
  return out;
}

/// The ideas of one prompt's likeliest answer, tried.
ClaimTests try_prompt(Session& session, const Dictionary& dictionary,
                      std::shared_ptr<const Dictionary> shared, std::vector<TokenId> ids,
                      const VerifyRequest& request, const std::stop_token& cancel) {
  Backend& backend = *session.backend;
  LocalReplacement replacement(backend, session.model, std::move(shared), std::move(ids),
                               {.precision = session.precision});
  const std::vector<TraceTarget> targets =
      salient_logits(replacement, replacement.tokens().size() - 1, 1);
  const AttributionGraph graph = trace(backend, replacement, targets, rows_as_needed(cancel));
  const GraphFlow flow(graph);
  Claims claims;
  for (FeatureGroup& idea : find_ideas({.graph = graph, .flow = flow, .dictionary = &dictionary})) {
    claims.groups.push_back(std::move(idea.nodes));
  }
  claims.edges = strongest_edges(flow, claims.groups);
  return test_claims(claim_ground(backend, replacement, graph, flow, targets.front().row), claims,
                     {.controls = request.controls, .seed = request.seed, .cancel = cancel});
}

void append(std::vector<TestedClaim>& to, std::vector<TestedClaim> more) {
  std::move(more.begin(), more.end(), std::back_inserter(to));
}

std::string percent(const Json& part, std::string_view name) {
  return fmt::format("{:.0f} %", 100.0 * part.at(name, "calibration").as_double("calibration"));
}

}  // namespace

CalibrationOutcome calibrate_claims(
    Session& session, const VerifyRequest& request, const std::stop_token& cancel,
    const std::function<void(std::size_t done, std::size_t total)>& progress) {
  check_verify(request);
  const auto begin = std::chrono::steady_clock::now();
  CalibrationOutcome out;
  out.dictionary = open_dictionary_for(session, request.dictionary, load_options(request.k),
                                       request.trust, cancel);
  const std::vector<std::string> prompts = prompts_of(request);
  std::vector<TestedClaim> ideas;
  std::vector<TestedClaim> edges;
  for (const std::string& prompt : prompts) {
    if (cancel.stop_requested()) {
      fail(ErrorCode::Cancelled, "stopped after {} of {} prompts; nothing was written", out.prompts,
           prompts.size());
    }
    InputOptions input;
    input.text = prompt;
    std::vector<TokenId> ids = input_ids(session, input);
    if (ids.size() <= session.context()) {
      ClaimTests tests = try_prompt(session, *out.dictionary.dictionary, out.dictionary.dictionary,
                                    std::move(ids), request, cancel);
      append(ideas, std::move(tests.groups));
      append(edges, std::move(tests.edges));
      ++out.prompts;
    }
    if (progress) {
      progress(out.prompts, prompts.size());
    }
  }
  check(out.prompts > 0,
        "none of the {} prompts fits into the {} tokens that the model reads: there is nothing to "
        "sum up",
        prompts.size(), session.context());
  out.ideas = calibrate(ideas);
  out.edges = calibrate(edges);
  out.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return out;
}

Json to_json(const CalibrationOutcome& outcome) {
  return Json::object({{"prompts", std::uint64_t{outcome.prompts}},
                       {"ideas", to_json(outcome.ideas)},
                       {"edges", to_json(outcome.edges)}});
}

std::optional<std::string> calibration_sentence(const std::filesystem::path& file,
                                                const Provenance& provenance) {
  if (!std::filesystem::exists(file)) {
    return std::nullopt;
  }
  const std::string where = file.string();
  const Json document = Json::load(file);
  const Json& made = document.at("provenance", where);
  const auto is = [&](std::string_view name, const std::string& own) {
    const Json* hash = made.find_value(name);
    return hash != nullptr && hash->is_string() && hash->as_string(where) == own;
  };
  if (!is("model_hash", provenance.model_hash) ||
      !is("dictionary_hash", provenance.dictionary_hash)) {
    return std::nullopt;
  }
  const Json& result = document.at("result", where);
  const Json& ideas = result.at("ideas", where);
  const Json& all = ideas.at("all", where);
  return fmt::format(
      "On {} prompts {} of {} claims about ideas held when tried; predicted and measured effects "
      "correlate at {:.2f}.",
      result.at("prompts", where).as_int(where), percent(all, "held"),
      all.at("claims", where).as_int(where), ideas.at("correlation", where).as_double(where));
}

}  // namespace cajal
