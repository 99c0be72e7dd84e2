#include "base/error.h"
#include "corpus/world/world.h"
#include "service/input.h"
#include "service/score.h"

namespace cajal {
namespace {

constexpr std::size_t kProbed = 1000;  // questions of each kind and split, unless told otherwise

/// All: those of the default mix.
std::vector<const Task*> tasks_of(const World& world, const std::string& name) {
  if (!name.empty()) {
    return {&world.task(name)};
  }
  std::vector<const Task*> out;
  for (const auto& task : world.tasks()) {
    if (task->weight() > 0.0) {
      out.push_back(task.get());
    }
  }
  return out;
}

std::optional<Split> split_of(const std::string& name) {
  if (name.empty()) {
    return std::nullopt;
  }
  return name == name_of(Split::Train) ? Split::Train : Split::Heldout;
}

Asked asked_of(Session& session, const ScoreRequest& request) {
  check_score(request);
  check(request.world.has_value(), "world: name a task, or give an empty text for all of them");
  if (session.tokenizer == nullptr || session.names_only) {
    fail(ErrorCode::Unsupported,
         "{}: questions are text, and this model has no tokenizer; add its tokenizer.json",
         session.name);
  }
  return {.backend = *session.backend,
          .model = *session.model,
          .tokenizer = *session.tokenizer,
          .precision = session.precision};
}

void note_long_questions(Session& session, const std::vector<KindScore>& scores) {
  std::size_t count = 0;
  for (const KindScore& score : scores) {
    count += score.too_long;
  }
  if (count != 0) {
    session.notes.push_back(fmt::format(
        "{} questions are longer than the model's context of {} tokens and count as wrong", count,
        session.context()));
  }
}

}  // namespace

void check_score(const ScoreRequest& request) {
  if (!request.world) {
    check_input(request);
    check(!request.probes && request.split.empty() && !request.questions,
          "--probes, --split and --questions are about the world's questions: give --world, too");
    return;
  }
  check(!request.text && request.ids.empty() && !request.chat && !request.no_special,
        "give either a text to score or --world, whose questions are its own");
}

std::vector<KindScore> score_world(Session& session, const ScoreRequest& request,
                                   const std::stop_token& cancel, const ScoreProgress& progress) {
  const Asked asked = asked_of(session, request);
  const World world;
  std::vector<KindScore> out = score_world(asked, tasks_of(world, *request.world),
                                           {.split = split_of(request.split),
                                            .questions = request.questions.value_or(0),
                                            .seed = request.seed,
                                            .stop = session.special.stop,
                                            .cancel = cancel,
                                            .progress = progress});
  note_long_questions(session, out);
  return out;
}

std::vector<ProbeResult> probe_world(Session& session, const ScoreRequest& request,
                                     const std::stop_token& cancel) {
  const Asked asked = asked_of(session, request);
  const World world;
  std::vector<ProbeResult> out;
  for (const Task* task : tasks_of(world, *request.world)) {
    const auto probes = probe_task(asked, *task, request.questions.value_or(kProbed), cancel);
    out.insert(out.end(), probes.begin(), probes.end());
  }
  return out;
}

Json to_json(const std::vector<ProbeResult>& probes) {
  const auto number = [](const std::optional<double>& x) { return x ? Json(*x) : Json(); };
  Json out(Json::Array{});
  for (const ProbeResult& probe : probes) {
    out.push_back(Json::object({{"task", probe.task},
                                {"question", probe.question},
                                {"hidden", probe.hidden},
                                {"place", probe.place},
                                {"point", probe.point},
                                {"accuracy", probe.accuracy},
                                {"train", probe.train},
                                {"test", probe.test},
                                {"at_least", number(probe.at_least)},
                                {"at_most", number(probe.at_most)}}));
  }
  return Json::object({{"probes", std::move(out)}});
}

Json to_json(const std::vector<KindScore>& scores) {
  Json tasks(Json::Array{});
  for (const KindScore& s : scores) {
    Json misses(Json::Array{});
    for (const Miss& miss : s.misses) {
      misses.push_back(
          Json::object({{"prompt", miss.prompt}, {"answer", miss.answer}, {"said", miss.said}}));
    }
    tasks.push_back(Json::object({{"task", s.task},
                                  {"kind", s.kind},
                                  {"split", name_of(s.split)},
                                  {"score", s.score()},
                                  {"n", s.n},
                                  {"threshold", s.threshold ? Json(*s.threshold) : Json()},
                                  {"passed", s.threshold ? Json(s.passed()) : Json()},
                                  {"misses", std::move(misses)}}));
  }
  return Json::object({{"tasks", std::move(tasks)}});
}

}  // namespace cajal
