#include "explain/experiments/experiment.h"

#include <algorithm>
#include <array>

#include "base/closest.h"
#include "base/error.h"
#include "explain/claims.h"

namespace cajal {
namespace {

constexpr std::array<TokenId, 7> kPart = {1, 8, 14, 17, 21, 25, 49};  // of capp: one of each slot

constexpr std::array<ExperimentEntry, 5> kExperiments = {{
    {"two-step", "swap the state that a city lies in for another one", run_two_step},
    {"sums", "switch off the route for a sum's size, or the one for its last digit", run_sums},
    {"rhyme", "swap the rhyme that is planned at the line break", run_rhyme},
    {"capp",
     "find what a GPT-2 from elsewhere plans by, and switch it off",
     run_capp,
     {.model = "models/capp-gpt2",
      .vocab = "models/capp-gpt2/token_mappings.json",
      .dictionary = "capp-gpt2",
      .reads = ExperimentInput::Ids,
      .prompt = kPart,
      .model_hash = "1c75e6171117c03dd5e9723ae97036ea"}},
    {"stories",
     "chart a Llama from elsewhere, and count what holds",
     run_stories,
     {.model = "models/stories260K/hf",
      .corpus = "corpora/tinystories-1000/tinystories_1000.json",
      .dictionary = "stories260K"}},
}};

Json json_of(const Observation& observation) {
  const Interval interval = wilson_95(observation.rate);
  return Json::object({{"what", observation.what},
                       {"condition", observation.condition},
                       {"right", observation.rate.right},
                       {"n", observation.rate.n},
                       {"share", observation.rate.share()},
                       {"low", interval.low},
                       {"high", interval.high},
                       {"mean", observation.mean ? Json(*observation.mean) : Json()}});
}

Json json_of(const ExperimentExample& example) {
  return Json::object({{"prompt", example.prompt},
                       {"donor", example.donor.empty() ? Json() : Json(example.donor)},
                       {"wanted", example.wanted},
                       {"unchanged", example.unchanged},
                       {"changed", example.changed},
                       {"control", example.control}});
}

Json json_of(const ExperimentFigure& figure) {
  return Json::object({{"what", figure.what},
                       {"n", figure.n},
                       {"median", figure.median},
                       {"low", figure.low},
                       {"high", figure.high},
                       {"largest", figure.largest}});
}

}  // namespace

ExperimentFigure figure_of(std::string what, const std::vector<double>& values) {
  return {.what = std::move(what),
          .n = values.size(),
          .median = percentile(values, 0.5),
          .low = percentile(values, 0.05),
          .high = percentile(values, 0.95),
          .largest = values.empty() ? 0.0 : *std::max_element(values.begin(), values.end())};
}

bool ExperimentResult::reached() const {
  return std::all_of(goals.begin(), goals.end(), [](const Goal& goal) { return goal.reached; });
}

std::span<const ExperimentEntry> experiments() {
  return kExperiments;
}

const ExperimentEntry& experiment_named(std::string_view name) {
  std::vector<std::string> names;
  std::string all;
  for (const ExperimentEntry& entry : kExperiments) {
    if (entry.name == name) {
      return entry;
    }
    names.emplace_back(entry.name);
    all += fmt::format("{}{}", all.empty() ? "" : ", ", entry.name);
  }
  fail(ErrorCode::NotFound, "there is no experiment '{}', the nearest is '{}'; there are {}", name,
       closest(name, names), all);
}

Json to_json(const ExperimentResult& result) {
  Json observations(Json::Array{});
  for (const Observation& observation : result.observations) {
    observations.push_back(json_of(observation));
  }
  Json tried(Json::Array{});
  for (const TriedSetting& setting : result.tried) {
    tried.push_back(Json::object({{"setting", setting.name},
                                  {"right", setting.rate.right},
                                  {"n", setting.rate.n},
                                  {"share", setting.rate.share()}}));
  }
  Json figures(Json::Array{});
  for (const ExperimentFigure& figure : result.figures) {
    figures.push_back(json_of(figure));
  }
  Json goals(Json::Array{});
  for (const Goal& goal : result.goals) {
    goals.push_back(Json::object({{"text", goal.text}, {"reached", goal.reached}}));
  }
  Json examples(Json::Array{});
  for (const ExperimentExample& example : result.examples) {
    examples.push_back(json_of(example));
  }
  return Json::object({{"name", result.name},
                       {"question", result.question},
                       {"method", result.method},
                       {"setting", result.setting},
                       {"members", result.members},
                       {"reached", result.reached()},
                       {"goals", std::move(goals)},
                       {"observations", std::move(observations)},
                       {"figures", std::move(figures)},
                       {"tried", std::move(tried)},
                       {"examples", std::move(examples)},
                       {"notes", Json::array_of(result.notes)}});
}

}  // namespace cajal
