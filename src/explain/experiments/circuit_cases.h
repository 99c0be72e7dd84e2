// Pairs of twins whose groups can be interchanged, with the groups that were found for what
// differs.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "corpus/world/task.h"
#include "explain/experiments/idea_swap.h"

namespace cajal {

/// A pair that the model answers as it should.
struct TwinCase {
  SwapCase swap;                // without groups
  GroupSwap contrast;           // of the two graphs
  std::vector<IdeaSwap> ideas;  // in which the two charts differ, by predicted way
  PromptGraph graph;            // what fires, for controls
  PromptGraph donor_graph;
  std::uint64_t index = 0;  // of the pair, for the draws of its controls
};

/// As a case to try, with a group and its control.
SwapCase with_group(const Subject& subject, const TwinCase& twins, GroupSwap group,
                    std::uint64_t seed);

/// Reads a task's twins: asks the model, makes both graphs and both charts.
class TwinCases {
 public:
  struct Options {
    std::uint64_t seed = 0;
    std::stop_token cancel = {};
    std::function<void(std::size_t pairs)> progress = nullptr;  // that were read
  };

  /// All must outlive it and the cases.
  TwinCases(const Subject& subject, const Task& task, Options options)
      : subject_(subject), task_(task), options_(std::move(options)) {}

  /// By kind of hidden thing, at most `count` of each; pairs that were drawn before, by whatever
  /// call, are not drawn again. Throws Cancelled, and what tracing throws.
  std::map<std::string, std::vector<TwinCase>> next(std::size_t count);
  /// Pairs of a kind that the last call looked at.
  std::size_t drawn(const std::string& kind) const { return drawn_.at(kind); }

 private:
  bool is_right(const RoledPrompt& prompt, const Question& question) const;
  std::optional<TwinCase> read(const Twins& twins) const;
  void find_groups(TwinCase& out) const;

  const Subject& subject_;
  const Task& task_;
  Options options_;
  std::uint64_t index_ = 0;  // of the next pair
  std::set<std::pair<std::string, std::string>> seen_;
  std::map<std::string, std::size_t> drawn_;
};

}  // namespace cajal
