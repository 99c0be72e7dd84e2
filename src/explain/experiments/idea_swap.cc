#include "explain/experiments/idea_swap.h"

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <optional>
#include <tuple>

#include "base/error.h"
#include "explain/experiments/charted.h"
#include "explain/versus/build_versus.h"
#include "model/generate.h"

namespace cajal {
namespace {

constexpr std::size_t kAnswer = 8;  // tokens of the answers that are looked through

/// What each prompt goes on with, up to the first token that is not the same.
struct Parting {
  std::vector<TokenId> common;
  std::array<TokenId, kVersusPrompts> tokens = {};
};

std::optional<Parting> parting(const Subject& subject, const RoledPrompt& prompt,
                               const RoledPrompt& donor, const std::stop_token& cancel) {
  GenerateOptions options;
  options.max_tokens = kAnswer;
  options.stop_ids = subject.stop;
  options.precision = subject.precision;
  options.cancel = cancel;
  const std::array<std::vector<TokenId>, kVersusPrompts> prompts = {prompt.ids, donor.ids};
  const std::vector<Generation> said =
      generate(subject.backend, *subject.model, nullptr, prompts, options);
  const std::vector<TokenId>& first = said[0].ids;
  const std::vector<TokenId>& second = said[1].ids;
  const auto apart = std::mismatch(first.begin(), first.end(), second.begin(), second.end());
  if (apart.first == first.end() || apart.second == second.end()) {
    return std::nullopt;
  }
  return Parting{{first.begin(), apart.first}, {*apart.first, *apart.second}};
}

using Place = std::tuple<std::size_t, std::size_t, std::size_t>;  // layer, position, feature

std::map<Place, double> activations_of(const ChartedToken& charted) {
  std::map<Place, double> out;
  for (const ActiveFeature& f : charted.replacement->features()) {
    out[{f.layer, f.position, f.feature}] = static_cast<double>(f.activation);
  }
  return out;
}

/// Exchanges as swaps, at the roles of a prompt.
class Swaps {
 public:
  Swaps(const RoledPrompt& prompt, const ChartedToken& charted)
      : prompt_(prompt), now_(activations_of(charted)) {}

  GroupSwap of(const PredictedExchange& exchange) const {
    GroupSwap out;
    for (const FeatureEdit& edit : exchange.features) {
      if (const auto role = role_of(edit.positions.begin)) {
        RoledFeature feature = {.layer = static_cast<std::uint32_t>(edit.layer),
                                .feature = static_cast<std::uint32_t>(edit.feature),
                                .role = *role,
                                .activation = edit.change.value};
        const auto at = now_.find({edit.layer, edit.positions.begin, edit.feature});
        const double now = at == now_.end() ? 0.0 : at->second;
        if (feature.activation > 0.0) {
          feature.now = now;
          out.on.push_back(feature);
        } else if (now > 0.0) {
          feature.activation = now;
          out.off.push_back(feature);
        }
      }
    }
    return out;
  }

 private:
  /// Only of the prompt itself: what it is continued with is said anew.
  std::optional<std::size_t> role_of(std::size_t position) const {
    for (std::size_t r = 0; r < prompt_.roles.size(); ++r) {
      if (prompt_.roles[r].position == position) {
        return r;
      }
    }
    return std::nullopt;
  }

  const RoledPrompt& prompt_;
  std::map<Place, double> now_;
};

ChartedToken charted(const Subject& subject, const RoledPrompt& prompt, const Parting& parting,
                     std::size_t which, const std::stop_token& cancel) {
  std::vector<TokenId> ids = prompt.ids;
  ids.insert(ids.end(), parting.common.begin(), parting.common.end());
  return chart_difference(subject, std::move(ids), parting.tokens[which], parting.tokens[1 - which],
                          cancel);
}

/// Each place once.
void add(std::span<const RoledFeature> features, std::vector<RoledFeature>& out) {
  for (const RoledFeature& feature : features) {
    if (std::ranges::find(out, feature.place(), &RoledFeature::place) == out.end()) {
      out.push_back(feature);
    }
  }
}

}  // namespace

std::vector<IdeaSwap> idea_swaps(const Subject& subject, const RoledPrompt& prompt,
                                 const RoledPrompt& donor, const std::stop_token& cancel) {
  check(prompt.ids.size() == donor.ids.size(), "prompts of {} and {} tokens are not compared",
        prompt.ids.size(), donor.ids.size());
  const std::optional<Parting> parts_at = parting(subject, prompt, donor, cancel);
  if (!parts_at) {
    return {};
  }
  const ChartedToken first = charted(subject, prompt, *parts_at, 0, cancel);
  const ChartedToken second = charted(subject, donor, *parts_at, 1, cancel);
  const std::array<ClaimGround, kVersusPrompts> grounds = {ground_of(subject, first),
                                                           ground_of(subject, second)};
  const VersusSides sides = {{{grounds[0], first.parts}, {grounds[1], second.parts}}};
  const VersusParts parts = build_versus(sides);
  const Swaps swaps(prompt, first);
  std::vector<IdeaSwap> out;
  const std::vector<PredictedExchange> exchanges = predicted_exchanges(sides, parts, 0);
  for (std::size_t i = 0; i < exchanges.size(); ++i) {
    const auto& halves = parts.chart.ideas[i].halves;
    IdeaSwap one = {.swap = swaps.of(exchanges[i]),
                    .way = parts.chart.way(0, exchanges[i].change).value_or(0.0),
                    .of_prompt = halves[0].box.has_value(),
                    .of_donor = halves[1].box.has_value()};
    if (one.way > 0.0 && (!one.swap.off.empty() || !one.swap.on.empty())) {
      out.push_back(std::move(one));
    }
  }
  std::stable_sort(out.begin(), out.end(),
                   [](const IdeaSwap& a, const IdeaSwap& b) { return a.way > b.way; });
  return out;
}

std::vector<IdeaSwap> one_of_each(std::span<const IdeaSwap> ideas) {
  if (ideas.empty()) {
    return {};
  }
  std::vector<IdeaSwap> out = {ideas.front()};
  if (out.front().of_prompt == out.front().of_donor) {
    return out;
  }
  const auto other = std::ranges::find_if(ideas, [&](const IdeaSwap& idea) {
    return idea.of_prompt == out.front().of_donor && idea.of_donor == out.front().of_prompt;
  });
  if (other != ideas.end()) {
    out.push_back(*other);
  }
  return out;
}

GroupSwap joined(std::span<const IdeaSwap> ideas) {
  GroupSwap out;
  for (const IdeaSwap& idea : ideas) {
    add(idea.swap.off, out.off);
    add(idea.swap.on, out.on);
  }
  return out;
}

}  // namespace cajal
