#include "explain/experiments/group_swap.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include <fmt/format.h>

#include "base/cancel.h"
#include "base/error.h"
#include "base/random.h"
#include "intervene/run.h"
#include "measure/continuations.h"

namespace cajal {
namespace {

/// The norm of what a feature writes, by its activation 1.
double written_norm(const Dictionary& dictionary, const RoledFeature& feature) {
  const std::size_t index = dictionary.index_of(feature.layer).value();
  const ConstMatRef row = dictionary.decoder_row(index, feature.feature, index);
  double sum = 0.0;
  for (std::size_t i = 0; i < row.cols; ++i) {
    const double x = element(row, 0, i);
    sum += x * x;
  }
  return std::sqrt(sum);
}

/// Draws features that fire and are not taken.
class Drawing {
 public:
  Drawing(std::span<const RoledFeature> active, std::span<const RoledFeature> group,
          std::uint64_t seed, std::uint64_t index)
      : active_(active), seed_(seed), counter_(index << 16U) {
    for (const RoledFeature& member : group) {
      taken_.insert(member.place());
    }
  }

  /// nullptr: nothing is left.
  const RoledFeature* draw(const RoledFeature& member) {
    for (const int nearness : {2, 1, 0}) {
      if (const RoledFeature* found = draw(member, nearness)) {
        return found;
      }
    }
    return nullptr;
  }

 private:
  const RoledFeature* draw(const RoledFeature& member, int nearness) {
    std::vector<const RoledFeature*> fit;
    for (const RoledFeature& feature : active_) {
      const bool near = (nearness < 1 || feature.role == member.role) &&
                        (nearness < 2 || feature.layer == member.layer);
      if (near && !taken_.contains(feature.place())) {
        fit.push_back(&feature);
      }
    }
    if (fit.empty()) {
      return nullptr;
    }
    const RoledFeature* out = fit[random_bits(seed_, kStream, counter_++) % fit.size()];
    taken_.insert(out->place());
    return out;
  }

  static constexpr std::uint64_t kStream = 0x636f6e74726f6cU;  // "control"
  std::span<const RoledFeature> active_;
  std::set<RoledPlace> taken_;
  std::uint64_t seed_;
  std::uint64_t counter_;
};

/// Of the feature at its place; 0 where it does not fire.
double activation_of(std::span<const RoledFeature> active, const RoledFeature& feature) {
  const auto at = std::ranges::find(active, feature.place(), &RoledFeature::place);
  return at == active.end() ? 0.0 : at->activation;
}

FeatureEdit edit_of(const RoledFeature& feature, const RoledPrompt& prompt, double value) {
  return {.layer = feature.layer,
          .positions = Positions::at(prompt.roles[feature.role].position),
          .feature = feature.feature,
          .change = {ChangeKind::Set, value}};
}

std::string said(const Subject& subject, const SwapCase& one, const GroupSwap& swap,
                 const SwapSetting& setting) {
  return continuation(subject, one.prompt, interventions_of(swap, one.prompt, setting), one.bytes);
}

}  // namespace

std::string SwapSetting::name() const {
  return fmt::format("{}, strength {:g}", where, strength);
}

Interventions interventions_of(const GroupSwap& swap, const RoledPrompt& prompt,
                               const SwapSetting& setting) {
  const auto counts = [&](const RoledFeature& feature) {
    return prompt.roles[feature.role].last ? setting.last : setting.words;
  };
  Interventions out;
  for (const RoledFeature& feature : swap.off) {
    if (counts(feature)) {
      out.features.push_back(edit_of(feature, prompt, 0.0));
    }
  }
  for (const RoledFeature& feature : swap.on) {
    if (counts(feature)) {
      const double way = feature.activation - feature.now;
      out.features.push_back(
          edit_of(feature, prompt, std::max(0.0, feature.now + setting.strength * way)));
    }
  }
  return out;
}

GroupSwap random_swap(const Subject& subject, const GroupSwap& group, const PromptGraph& prompt,
                      const PromptGraph& donor, std::uint64_t seed, std::uint64_t index) {
  GroupSwap out;
  Drawing off(prompt.active, group.off, seed, 2 * index);
  for (const RoledFeature& member : group.off) {
    if (const RoledFeature* drawn = off.draw(member)) {
      out.off.push_back(*drawn);
    }
  }
  Drawing on(donor.active, group.on, seed, 2 * index + 1);
  for (const RoledFeature& member : group.on) {
    if (const RoledFeature* drawn = on.draw(member)) {
      out.on.push_back(*drawn);
      out.on.back().now = activation_of(prompt.active, *drawn);
      const double norm = written_norm(*subject.dictionary, *drawn);
      const double way = std::abs(member.activation - member.now);
      out.on.back().activation =
          out.on.back().now +
          (norm == 0.0 ? 0.0 : way * written_norm(*subject.dictionary, member) / norm);
    }
  }
  return out;
}

std::string continuation(const Subject& subject, const RoledPrompt& prompt,
                         const Interventions& interventions, std::size_t bytes) {
  const InterventionRun run(subject.backend, subject.model, subject.dictionary, prompt.ids,
                            interventions, {.precision = subject.precision});
  const std::array<ShortPrompt, 1> prompts = {{{prompt.ids, bytes}}};
  return greedy_continuations(subject.backend, *subject.model, *subject.tokenizer, prompts,
                              {.precision = subject.precision,
                               .points = &run.points(),
                               .stop = subject.stop,
                               .cancel = {},
                               .progress = nullptr})
      .front();
}

SwapSetting best_setting(const Subject& subject, std::span<const SwapCase> cases,
                         std::span<const SwapSetting> settings, std::vector<TriedSetting>& tried,
                         const std::stop_token& cancel) {
  check(!settings.empty(), "there is no setting to try");
  SwapSetting best = settings.front();
  std::size_t most = 0;
  for (const SwapSetting& setting : settings) {
    TriedSetting result{.name = setting.name(), .rate = {}};
    for (const SwapCase& one : cases) {
      check_cancelled(cancel);
      result.rate.add(one.succeeds(said(subject, one, one.group, setting)));
    }
    if (result.rate.right > most) {
      best = setting;
      most = result.rate.right;
    }
    tried.push_back(std::move(result));
  }
  return best;
}

SwapOutcome try_swaps(const Subject& subject, std::span<const SwapCase> cases,
                      const SwapSetting& setting, std::size_t examples,
                      const std::stop_token& cancel) {
  SwapOutcome out;
  for (const SwapCase& one : cases) {
    check_cancelled(cancel);
    ExperimentExample shown = one.shown;
    shown.unchanged = continuation(subject, one.prompt, {}, one.bytes);
    shown.changed = said(subject, one, one.group, setting);
    shown.control = said(subject, one, one.control, setting);
    out.unchanged.add(one.succeeds(shown.unchanged));
    out.swapped.add(one.succeeds(shown.changed));
    out.control.add(one.succeeds(shown.control));
    out.members +=
        static_cast<double>(interventions_of(one.group, one.prompt, setting).features.size()) /
        static_cast<double>(cases.size());
    if (out.examples.size() < examples) {
      out.examples.push_back(std::move(shown));
    }
  }
  return out;
}

}  // namespace cajal
