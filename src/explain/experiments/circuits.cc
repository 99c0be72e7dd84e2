#include "explain/experiments/circuits.h"

#include <algorithm>
#include <array>
#include <limits>

#include <fmt/format.h>

#include "explain/experiments/circuit_cases.h"

namespace cajal {
namespace {

const std::array<SwapSetting, 4> kSettings = {{
    {"where the twins differ and after", true, true, 1.0},
    {"where the twins differ and after", true, true, 1.5},
    {"where the twins differ and after", true, true, 2.0},
    {"the last token", false, true, 1.0},
}};

constexpr std::size_t kAll = std::numeric_limits<std::size_t>::max();
constexpr std::size_t kOneOfEach = 0;  // stands for one idea of each chart
constexpr std::array<std::size_t, 1> kOwnIdea = {kOneOfEach};
constexpr std::array<std::size_t, 4> kIdeas = {1, 2, 3, kAll};
constexpr std::array<double, 2> kStrengths = {1.0, 1.5};

using Pairs = std::vector<TwinCase>;

std::string text_of(std::size_t ideas) {
  return ideas == kOneOfEach ? "of each chart the idea that goes furthest"
         : ideas == 1        ? "the idea that goes furthest"
         : ideas == kAll     ? "all ideas that lead there"
                             : fmt::format("the {} ideas that go furthest", ideas);
}

std::vector<IdeaSwap> chosen_of(const TwinCase& pair, std::size_t ideas) {
  const std::span all(pair.ideas);
  if (ideas == kOneOfEach) {
    return one_of_each(all);
  }
  const auto first = all.first(std::min(ideas, all.size()));
  return {first.begin(), first.end()};
}

std::vector<SwapSetting> settings_of(std::size_t ideas) {
  std::vector<SwapSetting> out;
  out.reserve(kStrengths.size());
  for (const double strength : kStrengths) {
    out.push_back({text_of(ideas), true, true, strength});
  }
  return out;
}

/// One sort of groups of one kind.
class Interchange {
 public:
  Interchange(const Subject& subject, const CircuitOptions& options)
      : subject_(subject), options_(options) {}

  InterchangeScore contrast(const Pairs& development, const Pairs& tested) const {
    std::vector<TriedSetting> tried;
    const std::vector<SwapCase> known = by_contrast(development);
    return score(by_contrast(tested),
                 best_setting(subject_, known, kSettings, tried, options_.cancel));
  }

  /// So many ideas of `counts`, ascending, as do best; the fewest of equals.
  InterchangeScore ideas(std::span<const std::size_t> counts, const Pairs& development,
                         const Pairs& tested) const {
    std::size_t chosen = counts.front();
    SwapSetting setting = settings_of(chosen).front();
    std::size_t most = 0;
    for (const std::size_t count : counts) {
      std::vector<TriedSetting> tried;
      const std::vector<SwapCase> cases = by_ideas(development, count);
      const SwapSetting best =
          best_setting(subject_, cases, settings_of(count), tried, options_.cancel);
      for (const TriedSetting& one : tried) {
        if (one.name == best.name() && one.rate.right > most) {
          most = one.rate.right;
          chosen = count;
          setting = best;
        }
      }
    }
    InterchangeScore out = score(by_ideas(tested, chosen), setting);
    out.ideas = mean_ideas(tested, chosen);
    return out;
  }

 private:
  std::vector<SwapCase> by_contrast(const Pairs& pairs) const {
    std::vector<SwapCase> out;
    for (const TwinCase& pair : pairs) {
      out.push_back(with_group(subject_, pair, pair.contrast, options_.seed));
    }
    return out;
  }
  std::vector<SwapCase> by_ideas(const Pairs& pairs, std::size_t ideas) const {
    std::vector<SwapCase> out;
    for (const TwinCase& pair : pairs) {
      out.push_back(with_group(subject_, pair, joined(chosen_of(pair, ideas)), options_.seed));
    }
    return out;
  }

  static double mean_ideas(const Pairs& pairs, std::size_t ideas) {
    double sum = 0.0;
    for (const TwinCase& pair : pairs) {
      sum += static_cast<double>(chosen_of(pair, ideas).size());
    }
    return pairs.empty() ? 0.0 : sum / static_cast<double>(pairs.size());
  }

  InterchangeScore score(const std::vector<SwapCase>& cases, const SwapSetting& setting) const {
    const SwapOutcome outcome = try_swaps(subject_, cases, setting, 0, options_.cancel);
    return {.swapped = outcome.swapped,
            .control = outcome.control,
            .setting = setting.name(),
            .members = outcome.members};
  }

  const Subject& subject_;
  const CircuitOptions& options_;
};

void score_task(const Subject& subject, const Task& task, const CircuitOptions& options,
                std::vector<CircuitScore>& out) {
  const auto tell = [&](const std::string& what) {
    if (options.progress) {
      options.progress(fmt::format("{}: {}", task.name(), what));
    }
  };
  TwinCases source(subject, task,
                   {.seed = options.seed, .cancel = options.cancel, .progress = [&](std::size_t n) {
                      tell(fmt::format("{} pairs of twins read", n));
                    }});
  const auto development = source.next(options.development);
  const auto tested = source.next(options.pairs);
  const Interchange interchange(subject, options);
  const Pairs none;
  for (const auto& [kind, pairs] : tested) {
    tell(fmt::format("interchanging {} in {} pairs", kind, pairs.size()));
    const auto at = development.find(kind);
    const Pairs& known = at == development.end() ? none : at->second;
    out.push_back({.task = std::string(task.name()),
                   .kind = kind,
                   .drawn = source.drawn(kind),
                   .one_idea = interchange.ideas(kOwnIdea, known, pairs),
                   .ideas = interchange.ideas(kIdeas, known, pairs),
                   .contrast = interchange.contrast(known, pairs)});
  }
}

Json json_of(const Rate& rate) {
  const Interval interval = wilson_95(rate);
  return Json::object({{"right", rate.right},
                       {"n", rate.n},
                       {"share", rate.share()},
                       {"low", interval.low},
                       {"high", interval.high}});
}

Json json_of(const InterchangeScore& score) {
  return Json::object({{"swapped", json_of(score.swapped)},
                       {"control", json_of(score.control)},
                       {"setting", score.setting},
                       {"ideas", score.ideas ? Json(*score.ideas) : Json()},
                       {"members", score.members}});
}

}  // namespace

std::vector<CircuitScore> score_circuits(const Subject& subject, std::span<const Task* const> tasks,
                                         const CircuitOptions& options) {
  std::vector<CircuitScore> out;
  for (const Task* task : tasks) {
    score_task(subject, *task, options, out);
  }
  return out;
}

std::string_view idea_rule() noexcept {
  return "of the ideas in which the two questions' charts differ (explain --versus), those that "
         "are predicted to go furthest towards the twin's answer: one of each chart, and 1, 2, 3 "
         "or all that lead there, the fewest that did best on other pairs; as strong as in the "
         "twin or half as much again";
}

Json to_json(const std::vector<CircuitScore>& scores) {
  Json circuits(Json::Array{});
  for (const CircuitScore& score : scores) {
    circuits.push_back(Json::object({{"task", score.task},
                                     {"kind", score.kind},
                                     {"drawn", score.drawn},
                                     {"one_idea", json_of(score.one_idea)},
                                     {"ideas", json_of(score.ideas)},
                                     {"contrast", json_of(score.contrast)}}));
  }
  return Json::object({{"rule", idea_rule()}, {"circuits", std::move(circuits)}});
}

}  // namespace cajal
