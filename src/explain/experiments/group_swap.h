// Swaps of a group of features for a donor's, with nothing frozen, and what the model then says.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "explain/experiments/prompt_graph.h"
#include "intervene/intervention.h"

namespace cajal {

/// Features of a prompt that go off, and a donor's that come in at the same roles.
struct GroupSwap {
  std::vector<RoledFeature> off;
  std::vector<RoledFeature> on;
};

/// Where a swap is done and how strongly.
struct SwapSetting {
  std::string where = "everywhere";
  bool words = true;  // at the words of the thing
  bool last = true;   // at the last token
  double strength = 1.0;

  std::string name() const;  // "words, strength 1.5"
};

/// `off` to 0, then `on` strength times the way from what they are now to their activations, not
/// below 0, at the prompt's positions of their roles.
Interventions interventions_of(const GroupSwap& swap, const RoledPrompt& prompt,
                               const SwapSetting& setting);

/// As many random features as the group has: for each member one that fires at its role in its
/// layer and is not of the group, else of its role, else of anywhere, none twice; where none is
/// left the control is smaller. Those that come in write as much more than now, by norm, as their
/// members do more or less.
GroupSwap random_swap(const Subject& subject, const GroupSwap& group, const PromptGraph& prompt,
                      const PromptGraph& donor, std::uint64_t seed, std::uint64_t index);

/// The greedy continuation, at least `bytes` long unless a stop id came first.
std::string continuation(const Subject& subject, const RoledPrompt& prompt,
                         const Interventions& interventions, std::size_t bytes);

/// A case: a prompt, its group and a donor's, and what would be a success.
struct SwapCase {
  RoledPrompt prompt;
  RoledPrompt donor = {};
  GroupSwap group = {};
  GroupSwap control = {};
  std::size_t bytes = 0;  // of the continuation that are wanted
  std::function<bool(std::string_view)> succeeds = nullptr;
  ExperimentExample shown = {};  // prompt, donor and wanted; said texts are filled in
};

struct SwapOutcome {
  Rate swapped;
  Rate control;
  Rate unchanged;        // succeeds() without any change: cases that prove nothing
  double members = 0.0;  // features changed in a case, on average
  std::vector<ExperimentExample> examples;
};

/// The setting with the most successes, the earlier of equals; what was tried goes to `tried`.
/// Throws Cancelled, and InvalidArgument without settings.
SwapSetting best_setting(const Subject& subject, std::span<const SwapCase> cases,
                         std::span<const SwapSetting> settings, std::vector<TriedSetting>& tried,
                         const std::stop_token& cancel);

/// Keeps the first `examples` of the said texts. Throws Cancelled.
SwapOutcome try_swaps(const Subject& subject, std::span<const SwapCase> cases,
                      const SwapSetting& setting, std::size_t examples,
                      const std::stop_token& cancel);

}  // namespace cajal
