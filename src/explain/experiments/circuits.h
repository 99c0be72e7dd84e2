// How often the groups of features behind an answer are what the answer hangs on, with the world as
// the oracle: a task's twins are two questions that differ in one hidden thing, and interchanging
// the groups that were found for it should make the answer the twin's.
#pragma once

#include "corpus/world/task.h"
#include "explain/experiments/experiment.h"

namespace cajal {

/// For one kind of hidden thing of a task.
struct CircuitScore {
  std::string task;
  std::string kind;  // "state"
  Rate swapped;      // answers that became the twin's
  Rate control;      // with random groups of the same size and norms
  std::string setting;
  std::size_t drawn = 0;  // pairs that were looked at; the others cannot be used (see below)
  double members = 0.0;   // features changed in a case, on average
};

/// options.cases pairs of each kind that a task's twins have, and options.development others to
/// choose the setting on. A pair is used if the model answers both questions, differently, and both
/// are as many tokens; of few such pairs fewer are used. A group holds features, from the first
/// token on in which the two questions differ, that matter for the one answer and do not fire at
/// the same place in the twin: found from the graph and the twin alone, as a user would. Tasks
/// without twins are left out. Throws Cancelled.
std::vector<CircuitScore> score_circuits(const Subject& subject, std::span<const Task* const> tasks,
                                         const ExperimentOptions& options);

/// {"circuits": [{"task", "kind", "swapped": {"right", "n", "share", "low", "high"}, "control",
/// "setting", "drawn", "members"}]}
Json to_json(const std::vector<CircuitScore>& scores);

}  // namespace cajal
