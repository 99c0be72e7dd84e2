#include "explain/experiments/circuits.h"

#include <algorithm>
#include <array>
#include <map>

#include "explain/experiments/group_swap.h"
#include "measure/world_score.h"

namespace cajal {
namespace {

constexpr std::size_t kDraws = 6;  // pairs that are looked at for one that is wanted

const std::array<SwapSetting, 4> kSettings = {{
    {"where the twins differ and after", true, true, 1.0},
    {"where the twins differ and after", true, true, 1.5},
    {"where the twins differ and after", true, true, 2.0},
    {"the last token", false, true, 1.0},
}};

/// The whole prompt from the first difference on.
RoledPrompt from_difference(std::vector<TokenId> ids, std::size_t first) {
  RoledPrompt out;
  for (std::size_t i = first; i < ids.size(); ++i) {
    out.roles.push_back({.position = i, .last = i + 1 == ids.size()});
  }
  out.ids = std::move(ids);
  return out;
}

class CircuitCases {
 public:
  CircuitCases(const Subject& subject, const Task& task, const ExperimentOptions& options)
      : subject_(subject), task_(task), options_(options) {}

  /// By kind of hidden thing; each kind up to `count`, pairs from number `first` on.
  std::map<std::string, std::vector<SwapCase>> cases(std::size_t first, std::size_t count) {
    std::map<std::string, std::vector<SwapCase>> out;
    for (std::size_t i = 0; i < count * kDraws; ++i) {
      check_cancelled(options_.cancel);
      const Twins twins = task_.twins(options_.seed, first + i);
      std::vector<SwapCase>& kind = out[twins.kind];
      ++drawn_[twins.kind];
      if (kind.size() < count) {
        add(twins, first + i, kind);
      }
    }
    return out;
  }
  const std::map<std::string, std::size_t>& drawn() const noexcept { return drawn_; }

 private:
  bool is_right(const RoledPrompt& prompt, const Question& question) const {
    return task_.accepts(question, continuation(subject_, prompt, {}, wanted_bytes(question)));
  }

  void add(const Twins& twins, std::size_t index, std::vector<SwapCase>& out) const {
    std::vector<TokenId> ids = subject_.tokenizer->encode_ids(twins.first.prompt);
    std::vector<TokenId> other = subject_.tokenizer->encode_ids(twins.second.prompt);
    if (ids.size() != other.size() || ids.size() > subject_.model->config().context ||
        twins.first.answer == twins.second.answer) {
      return;
    }
    const auto first = static_cast<std::size_t>(
        std::mismatch(ids.begin(), ids.end(), other.begin()).first - ids.begin());
    if (first == ids.size()) {
      return;
    }
    SwapCase one{.prompt = from_difference(std::move(ids), first),
                 .donor = from_difference(std::move(other), first)};
    one.bytes = std::max(wanted_bytes(twins.first), wanted_bytes(twins.second));
    if (!is_right(one.prompt, twins.first) || !is_right(one.donor, twins.second)) {
      return;
    }
    const PromptGraph graph = read_prompt_graph(subject_, one.prompt, {.cancel = options_.cancel});
    const PromptGraph donor_graph =
        read_prompt_graph(subject_, one.donor, {.cancel = options_.cancel});
    one.group = {contrast(graph, donor_graph.active), contrast(donor_graph, graph.active)};
    one.control = random_swap(subject_, one.group, graph, donor_graph, options_.seed, index);
    one.succeeds = [this, question = twins.second](std::string_view said) {
      return task_.accepts(question, said);
    };
    out.push_back(std::move(one));
  }

  const Subject& subject_;
  const Task& task_;
  const ExperimentOptions& options_;
  std::map<std::string, std::size_t> drawn_;
};

void score_task(const Subject& subject, const Task& task, const ExperimentOptions& options,
                std::vector<CircuitScore>& out) {
  CircuitCases source(subject, task, options);
  const auto development = source.cases(0, options.development);
  const auto tested = source.cases(options.development * kDraws, options.cases);
  for (const auto& [kind, cases] : tested) {
    std::vector<TriedSetting> tried;
    const auto known = development.find(kind);
    const SwapSetting setting =
        known == development.end()
            ? kSettings.front()
            : best_setting(subject, known->second, kSettings, tried, options.cancel);
    const SwapOutcome outcome = try_swaps(subject, cases, setting, 0, options.cancel);
    out.push_back({.task = std::string(task.name()),
                   .kind = kind,
                   .swapped = outcome.swapped,
                   .control = outcome.control,
                   .setting = setting.name(),
                   .drawn = source.drawn().at(kind),
                   .members = outcome.members});
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

}  // namespace

std::vector<CircuitScore> score_circuits(const Subject& subject, std::span<const Task* const> tasks,
                                         const ExperimentOptions& options) {
  std::vector<CircuitScore> out;
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    if (options.progress) {
      options.progress(i, tasks.size());
    }
    score_task(subject, *tasks[i], options, out);
  }
  return out;
}

Json to_json(const std::vector<CircuitScore>& scores) {
  Json circuits(Json::Array{});
  for (const CircuitScore& score : scores) {
    circuits.push_back(Json::object({{"task", score.task},
                                     {"kind", score.kind},
                                     {"swapped", json_of(score.swapped)},
                                     {"control", json_of(score.control)},
                                     {"setting", score.setting},
                                     {"drawn", score.drawn},
                                     {"members", score.members}}));
  }
  return Json::object({{"circuits", std::move(circuits)}});
}

}  // namespace cajal
