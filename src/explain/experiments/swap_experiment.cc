#include "explain/experiments/swap_experiment.h"

#include <iterator>

#include "explain/experiments/point_patch.h"

namespace cajal {
namespace {

constexpr double kMostControl = 0.05;
constexpr std::size_t kExamples = 5;

}  // namespace

void run_swaps(const Subject& subject, const SwapExperiment& experiment,
               const std::stop_token& cancel, ExperimentResult& out) {
  const SwapSetting setting =
      best_setting(subject, experiment.development, experiment.settings, out.tried, cancel);
  out.setting = setting.name();
  SwapOutcome outcome = try_swaps(subject, experiment.cases, setting, kExamples, cancel);
  const std::string& what = experiment.success;
  out.observations = {{what, "swapped", outcome.swapped},
                      {what, "control", outcome.control},
                      {what, "unchanged", outcome.unchanged}};
  for (const SwapSetting& where : experiment.patched) {
    std::vector<Observation> patched =
        try_patches(subject, experiment.development, where, what, cancel);
    std::move(patched.begin(), patched.end(), std::back_inserter(out.observations));
  }
  out.goals = {{experiment.aim, outcome.swapped.share() >= experiment.least},
               {"at most 5 % in the control", outcome.control.share() <= kMostControl}};
  out.members = outcome.members;
  out.examples = std::move(outcome.examples);
}

}  // namespace cajal
