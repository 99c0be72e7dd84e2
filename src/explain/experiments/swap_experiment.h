// What experiments by swaps have in common: a setting that is chosen on one split and tried on the
// other, beside a control, and beside the residual stream itself put in at the same places.
#pragma once

#include "explain/experiments/group_swap.h"

namespace cajal {

struct SwapExperiment {
  std::span<const SwapCase> development;  // the setting is chosen on these
  std::span<const SwapCase> cases;        // and tried on these
  std::span<const SwapSetting> settings;
  std::span<const SwapSetting> patched;  // where a donor's residual stream is put in, too
  std::string success;                   // "the whole answer is the other state's"
  std::string aim;                       // "at least 80 % of the answers become ..."
  double least = 0.0;                    // the share of cases that is aimed at
};

/// Fills setting, tried, observations, goals, members and examples. Throws Cancelled.
void run_swaps(const Subject& subject, const SwapExperiment& experiment,
               const std::stop_token& cancel, ExperimentResult& out);

}  // namespace cajal
