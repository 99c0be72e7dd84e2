#include "base/error.h"
#include "corpus/world/world.h"
#include "service/score.h"

namespace cajal {
namespace {

constexpr std::size_t kProbed = 1000;  // questions of each kind and split, unless told otherwise

Json optional_number(const std::optional<double>& x) {
  return x ? Json(*x) : Json();
}

Json to_json(const KindScore& score) {
  return Json::object({{"task", score.task},
                       {"kind", score.kind},
                       {"split", name_of(score.split)},
                       {"score", score.score()},
                       {"n", score.n},
                       {"too_long", score.too_long},
                       {"threshold", optional_number(score.threshold)}});
}

Json to_json(const ProbeResult& probe) {
  return Json::object({{"task", probe.task},
                       {"question", probe.question},
                       {"hidden", probe.hidden},
                       {"place", probe.place},
                       {"point", probe.point},
                       {"accuracy", probe.accuracy},
                       {"train", probe.train},
                       {"test", probe.test},
                       {"at_least", optional_number(probe.at_least)},
                       {"at_most", optional_number(probe.at_most)}});
}

}  // namespace

WorldScores score_on_world(Session& session, const ScoreRequest& request, std::stop_token cancel) {
  if (session.tokenizer == nullptr || session.names_only) {
    fail(ErrorCode::Unsupported, "{}: has no tokenizer, so it cannot read the world's questions",
         session.name);
  }
  const World world;
  std::vector<const Task*> tasks;
  if (request.world && !request.world->empty()) {
    tasks = {&world.task(*request.world)};
  } else {
    for (const auto& task : world.tasks()) {
      tasks.push_back(task.get());
    }
  }
  const Asked asked{*session.backend, *session.model, *session.tokenizer, session.precision};
  WorldScores out;
  if (!request.probes) {
    out.scores = score_world(
        asked, tasks,
        {.questions = request.questions, .stop = session.special.stop, .cancel = cancel});
    return out;
  }
  for (const Task* task : tasks) {
    const std::size_t most = request.questions == 0 ? kProbed : request.questions;
    const auto probes = probe_task(asked, *task, most, cancel);
    out.probes.insert(out.probes.end(), probes.begin(), probes.end());
  }
  return out;
}

Json to_json(const WorldScores& scores) {
  Json tasks(Json::Array{});
  for (const KindScore& score : scores.scores) {
    tasks.push_back(to_json(score));
  }
  Json probes(Json::Array{});
  for (const ProbeResult& probe : scores.probes) {
    probes.push_back(to_json(probe));
  }
  return Json::object({{"tasks", std::move(tasks)}, {"probes", std::move(probes)}});
}

}  // namespace cajal
