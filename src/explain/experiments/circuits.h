// How often the groups of features behind an answer are what the answer hangs on, with the world as
// the oracle: a task's twins are two questions that differ in one hidden thing, and interchanging
// the groups that were found for it should make the answer the twin's.
//
// Groups are found in two ways, from the two questions alone, as a user would; no label and no
// truth takes part. Both hold features from the first token on in which the questions differ.
//   ideas: those of the two charts in which they differ, as `explain --versus` shows them
//     (idea_swap.h). The rule: those that are predicted to go furthest towards the twin's answer,
//     1, 2, 3 or all that lead there; how many, and how strongly, is chosen on other pairs and
//     said. Beside it the first of each chart alone: is what is hidden an idea
//     of its own?
//   contrast: what matters for the one answer and does not fire at the same place in the twin,
//     however many features that is; an upper bound of what ideas can do.
#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "corpus/world/task.h"
#include "explain/experiments/experiment.h"

namespace cajal {

/// What came of interchanging one sort of group.
struct InterchangeScore {
  Rate swapped;          // answers that became the twin's
  Rate control;          // with random groups of the same size and norms
  std::string setting;   // what was interchanged, and how strongly: chosen on other pairs
  double members = 0.0;  // features changed in a case, on average
  std::optional<double> ideas = std::nullopt;  // that these are of, likewise; of charts only
};

/// For one kind of hidden thing of a task.
struct CircuitScore {
  std::string task;
  std::string kind;       // "state"
  std::size_t drawn = 0;  // pairs that were looked at; the others cannot be used (see below)
  InterchangeScore one_idea;
  InterchangeScore ideas;
  InterchangeScore contrast;
};

struct CircuitOptions {
  std::size_t pairs = 20;        // of each kind
  std::size_t development = 10;  // others, that settings are chosen on
  std::uint64_t seed = 0;        // chooses the pairs and the controls
  std::stop_token cancel = {};
  std::function<void(std::string_view)> progress = nullptr;  // "sums: 12 pairs read"
};

/// options.pairs of each kind that a task's twins have. A pair is used if the model answers both
/// questions, differently, and both are as many tokens; of few such pairs fewer are used. Throws
/// Cancelled.
std::vector<CircuitScore> score_circuits(const Subject& subject, std::span<const Task* const> tasks,
                                         const CircuitOptions& options);

/// How ideas are chosen, in a sentence for those who read the numbers.
std::string_view idea_rule() noexcept;

/// {"rule", "circuits": [{"task", "kind", "drawn", "one_idea": {"swapped": {"right", "n", "share",
/// "low", "high"}, "control", "setting", "ideas", "members"}, "ideas" and "contrast": the same}]};
/// contrast has no ideas: null
Json to_json(const std::vector<CircuitScore>& scores);

}  // namespace cajal
