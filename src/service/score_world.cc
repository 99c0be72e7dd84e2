#include <algorithm>
#include <iterator>

#include "base/error.h"
#include "corpus/world/world.h"
#include "service/asked.h"
#include "service/experiment.h"
#include "service/input.h"
#include "service/score.h"

namespace cajal {
namespace {

constexpr std::size_t kTwins = 50;     // pairs of each kind, unless told otherwise
constexpr std::size_t kCircuits = 20;  // likewise, where each pair is charted
constexpr std::size_t kProbedQuestions =
    1000;  // questions of each kind and split, unless told otherwise

std::optional<Split> split_of(const std::string& name) {
  if (name.empty()) {
    return std::nullopt;
  }
  return name == name_of(Split::Train) ? Split::Train : Split::Heldout;
}

Asked asked_of(Session& session, const ScoreRequest& request) {
  check_score(request);
  check(request.world.has_value(), "world: name a task, or give an empty text for all of them");
  return asked_of(session, "questions are text");
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
    check(!request.probes && !request.patch && !request.circuits && request.split.empty() &&
              !request.questions,
          "--probes, --patch, --circuits, --split and --questions are about the world's questions: "
          "give --world, too");
    return;
  }
  check(int{request.probes} + int{request.patch} + int{request.circuits} <= 1,
        "give one of --probes, --patch and --circuits");
  check((!request.circuits && !request.patch) || request.split.empty(),
        "--split is about questions, and --patch and --circuits take twins, which have none");
  check(!request.text && request.ids.empty() && !request.chat && !request.no_special,
        "give either a text to score or --world, whose questions are its own");
}

std::vector<KindScore> score_world(Session& session, const ScoreRequest& request,
                                   const std::stop_token& cancel, const ScoreProgress& progress) {
  const Asked asked = asked_of(session, request);
  const World world;
  std::vector<KindScore> out = score_world(asked, world.tasks_named(*request.world),
                                           {.split = split_of(request.split),
                                            .questions = request.questions.value_or(0),
                                            .seed = request.seed,
                                            .stop = session.special.stop,
                                            .cancel = cancel,
                                            .progress = progress});
  note_long_questions(session, out);
  return out;
}

std::vector<ProbeCurve> probe_world(Session& session, const ScoreRequest& request,
                                    const std::stop_token& cancel,
                                    const std::function<void(std::string_view)>& progress) {
  const Asked asked = asked_of(session, request);
  const World world;
  std::vector<ProbeCurve> out;
  for (const Task* task : world.tasks_named(*request.world)) {
    std::vector<ProbeCurve> curves =
        probe_task(asked, *task,
                   {.split = split_of(request.split),
                    .questions = request.questions.value_or(kProbedQuestions),
                    .seed = request.seed,
                    .cancel = cancel,
                    .progress = progress});
    std::move(curves.begin(), curves.end(), std::back_inserter(out));
  }
  return out;
}

std::vector<PatchCurve> patch_world(Session& session, const ScoreRequest& request,
                                    const std::stop_token& cancel,
                                    const std::function<void(std::string_view)>& progress) {
  const Asked asked = asked_of(session, request);
  const World world;
  std::vector<PatchCurve> out;
  for (const Task* task : world.tasks_named(*request.world)) {
    std::vector<PatchCurve> curves = patch_task(asked, *task,
                                                {.pairs = request.questions.value_or(kTwins),
                                                 .seed = request.seed,
                                                 .cancel = cancel,
                                                 .progress = progress});
    std::move(curves.begin(), curves.end(), std::back_inserter(out));
  }
  return out;
}

CircuitsOutcome circuits_world(Session& session, const ScoreRequest& request,
                               const std::stop_token& cancel,
                               const std::function<void(std::string_view)>& progress) {
  check_score(request);
  const World world;
  const std::vector<const Task*> tasks = world.tasks_named(request.world.value_or(""));
  CircuitsOutcome out;
  out.dictionary = open_dictionary_for(session, request.dictionary, {}, false, cancel);
  const std::size_t pairs = request.questions.value_or(kCircuits);
  out.scores = score_circuits(subject_of(session, out.dictionary), tasks,
                              {.pairs = pairs,
                               .development = std::max<std::size_t>(1, pairs / 2),
                               .seed = request.seed,
                               .cancel = cancel,
                               .progress = progress});
  return out;
}

Json to_json(const std::vector<PatchCurve>& curves) {
  Json out(Json::Array{});
  for (const PatchCurve& c : curves) {
    Json layers(Json::Array{});
    for (std::size_t i = 0; i < c.changed.size(); ++i) {
      layers.push_back(Json::object({{"point", name_of(Point{PointKind::ResidPost, i})},
                                     {"changed", c.changed[i]},
                                     {"share", c.share(i)}}));
    }
    out.push_back(Json::object({{"task", c.task},
                                {"hidden", c.hidden},
                                {"place", name_of(c.place)},
                                {"n", c.n},
                                {"drawn", c.drawn},
                                {"layers", std::move(layers)}}));
  }
  return Json::object({{"patches", std::move(out)}});
}

Json to_json(const std::vector<ProbeCurve>& curves) {
  const auto number = [](const std::optional<double>& x) { return x ? Json(*x) : Json(); };
  Json out(Json::Array{});
  for (const ProbeCurve& c : curves) {
    Json points(Json::Array{});
    for (const ProbePoint& point : c.points) {
      points.push_back(Json::object({{"point", point.point},
                                     {"accuracy", point.accuracy},
                                     {"new_words", number(point.new_words)}}));
    }
    out.push_back(Json::object({{"task", c.task},
                                {"question", c.question.empty() ? Json() : Json(c.question)},
                                {"hidden", c.hidden},
                                {"place", name_of(c.place)},
                                {"n", c.n},
                                {"unseen", c.unseen},
                                {"classes", c.classes},
                                {"chance", c.chance()},
                                {"majority", c.majority},
                                {"best", c.points[c.best()].point},
                                {"at_least", number(c.at_least)},
                                {"at_most", number(c.at_most)},
                                {"passed", c.passed ? Json(*c.passed) : Json()},
                                {"points", std::move(points)}}));
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
