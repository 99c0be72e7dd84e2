// One prompt's ideas made as the other has them: build_versus.h says what is predicted and
// measured.
#include <algorithm>
#include <cmath>
#include <map>

#include "base/error.h"
#include "explain/controls.h"
#include "explain/versus/build_versus.h"
#include "explain/versus/places.h"
#include "intervene/batch.h"

namespace cajal {
namespace {

/// What a line becomes in one prompt.
struct Exchange {
  double predicted = 0.0;
  std::vector<FeatureShift> shifts;  // by layer and position
  std::vector<FeatureEdit> edits;    // the same as values
  std::vector<EmbeddingEdit> words;
  bool changes() const { return !edits.empty() || !words.empty(); }
  BatchCase as_case() const { return {.features = edits, .embeddings = words}; }
};

/// Of one line in one prompt, by both graphs.
class Exchanges {
 public:
  Exchanges(const VersusSides& sides, const VersusPlaces& places, bool opposed)
      : sides_(sides), places_(places), opposed_(opposed) {}

  Exchange of(std::size_t prompt, VersusNodes line) const {
    Exchange out;
    std::erase_if(line.features,
                  [&](const VersusPlace& place) { return !places_.exchangeable(place.role); });
    for (const VersusPlace& place : line.features) {
      add_feature(prompt, place, out);
    }
    for (const std::uint32_t role : line.words) {
      add_word(prompt, role, out);
    }
    out.predicted = predicted(prompt, line);
    return out;
  }

 private:
  const ClaimGround& ground(std::size_t prompt) const { return sides_[prompt].ground; }

  void add_feature(std::size_t prompt, const VersusPlace& place, Exchange& out) const {
    const auto at = places_.position(prompt, place.role);
    const double now = places_.activation(prompt, place);
    const double wanted = places_.activation(1 - prompt, place);
    if (!at || now == wanted) {
      return;
    }
    out.shifts.push_back({place.layer, *at, place.feature, wanted - now});
    out.edits.push_back({.layer = place.layer,
                         .positions = Positions::at(*at),
                         .feature = place.feature,
                         .change = {ChangeKind::Set, wanted}});
  }

  void add_word(std::size_t prompt, std::uint32_t role, Exchange& out) const {
    const auto at = places_.position(prompt, role);
    if (!at || places_.same_word(role)) {
      return;
    }
    const ConstMatRef own = ground(prompt).replacement.token_vectors();
    const ConstMatRef others = ground(1 - prompt).replacement.token_vectors();
    const auto there = places_.position(1 - prompt, role);
    EmbeddingEdit edit = {.position = *at, .add = {}};
    for (std::size_t c = 0; c < own.cols; ++c) {
      edit.add.push_back((there ? element(others, *there, c) : 0.0) - element(own, *at, c));
    }
    out.words.push_back(std::move(edit));
  }

  using Effects = std::map<std::uint32_t, double>;

  double predicted(std::size_t prompt, const VersusNodes& line) const {
    const double terms = opposed_ ? -1.0 : 1.0;  // the other's value in those of this one
    const std::size_t other = 1 - prompt;
    const auto own = effects_of(prompt, line);
    const auto others = effects_of(other, line);
    double out = 0.0;
    for (const VersusPlace& place : line.features) {
      const double here = places_.activation(prompt, place);
      const double there = places_.activation(other, place);
      if (!places_.position(prompt, place.role)) {
        continue;
      }
      if (const auto node = places_.node(prompt, place)) {
        out += (there - here) / here * own.at(*node);
      } else if (const auto donor = places_.node(other, place)) {
        out -= terms * (here - there) / there * others.at(*donor);
      }
    }
    for (const std::uint32_t role : line.words) {
      out += predicted_word(prompt, role, own, others);
    }
    return out;
  }

  /// What each node of a line gives its prompt's value.
  Effects effects_of(std::size_t prompt, const VersusNodes& line) const {
    const std::vector<std::uint32_t> nodes = places_.nodes(prompt, line);
    const std::vector<double> effects = ground(prompt).flow.member_effects(nodes);
    Effects out;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      out[nodes[i]] = effects[i];
    }
    return out;
  }

  double predicted_word(std::size_t prompt, std::uint32_t role, const Effects& own,
                        const Effects& others) const {
    const auto at = places_.position(prompt, role);
    if (!at || places_.same_word(role)) {
      return 0.0;
    }
    const auto node = [&](std::size_t of, std::uint32_t position) {
      return static_cast<std::uint32_t>(ground(of).flow.counts().embedding(position));
    };
    const auto there = places_.position(1 - prompt, role);
    const double comes = there ? others.at(node(1 - prompt, *there)) : 0.0;
    return (opposed_ ? -comes : comes) - own.at(node(prompt, *at));
  }

  const VersusSides& sides_;
  const VersusPlaces& places_;
  bool opposed_;
};

/// Many exchanges in one prompt, with their controls.
class ExchangeTester {
 public:
  ExchangeTester(const ClaimGround& ground, const ClaimOptions& options)
      : ground_(ground), options_(options), batch_(batch_on(ground, options.cancel)) {}

  std::vector<TriedClaim> run(std::span<const Exchange> exchanges) {
    std::vector<BatchCase> cases;
    for (const Exchange& exchange : exchanges) {
      cases.push_back(exchange.as_case());
    }
    ControlGroups groups(ground_, options_.seed);
    for (std::size_t e = 0; e < exchanges.size(); ++e) {
      for (std::size_t i = 0; i < options_.controls; ++i) {
        cases.push_back(
            groups.like(exchanges[e].shifts, exchanges[e].words, e * options_.controls + i));
      }
    }
    const BatchOutcome outcome = batch_.run(cases, {}, exchanges.size());
    std::vector<TriedClaim> out;
    for (std::size_t e = 0; e < exchanges.size(); ++e) {
      std::vector<double> controls;
      for (std::size_t i = 0; i < options_.controls; ++i) {
        const std::size_t row = exchanges.size() + e * options_.controls + i;
        controls.push_back(change(outcome.final_norm.ref(), row));
      }
      TriedClaim& claim = out.emplace_back(
          judged_claim(exchanges[e].predicted, change(outcome.final_norm.ref(), e), controls));
      find_answer(outcome.logits.ref(), e, options_, claim);
    }
    return out;
  }

 private:
  double change(ConstMatRef final_norm, std::size_t row) const {
    return value_at(ground_.value, final_norm, row) -
           value_at(ground_.value, batch_.final_norm(), 0);
  }

  const ClaimGround& ground_;
  const ClaimOptions& options_;
  InterventionBatch batch_;
};

/// All features of all ideas, each place once.
VersusNodes all_of(std::span<const VersusNodes> lines) {
  VersusNodes out;
  for (const VersusNodes& line : lines) {
    out.features.insert(out.features.end(), line.features.begin(), line.features.end());
  }
  std::sort(out.features.begin(), out.features.end());
  out.features.erase(std::unique(out.features.begin(), out.features.end()), out.features.end());
  return out;
}

class Trial {
 public:
  Trial(const VersusSides& sides, const ClaimOptions& options, VersusParts& parts)
      : sides_(sides), options_(options), parts_(parts), places_(sides, parts.roles) {}

  void run() {
    const VersusNodes all = all_of(parts_.ideas);
    for (std::size_t prompt = 0; prompt < kVersusPrompts; ++prompt) {
      plan_ = {};
      to_ = {};
      add_lines(prompt, parts_.words, parts_.chart.words);
      add_lines(prompt, parts_.ideas, parts_.chart.ideas);
      add(prompt, all, parts_.chart.prompts[prompt].all);
      if (!plan_.empty()) {
        fill(ExchangeTester(sides_[prompt].ground, options_).run(plan_));
      }
    }
    count();
  }

 private:
  void add_lines(std::size_t prompt, std::span<const VersusNodes> nodes,
                 std::vector<VersusEntry>& entries) {
    for (std::size_t i = 0; i < entries.size(); ++i) {
      add(prompt, nodes[i], entries[i].halves[prompt].claim);
    }
  }
  void add(std::size_t prompt, const VersusNodes& nodes, std::optional<TriedClaim>& to) {
    Exchange exchange = Exchanges(sides_, places_, parts_.chart.opposed).of(prompt, nodes);
    if (exchange.changes() && std::abs(exchange.predicted) >= least_difference(parts_.chart)) {
      plan_.push_back(std::move(exchange));
      to_.push_back(&to);
    }
  }
  void fill(std::vector<TriedClaim> claims) {
    for (std::size_t i = 0; i < claims.size(); ++i) {
      *to_[i] = std::move(claims[i]);
    }
  }
  void count() {
    for (const std::vector<VersusEntry>* entries : {&parts_.chart.words, &parts_.chart.ideas}) {
      for (const VersusEntry& entry : *entries) {
        for (const VersusHalf& half : entry.halves) {
          parts_.chart.claims_tried += half.claim ? 1U : 0U;
          parts_.chart.claims_held += half.claim && half.claim->held() ? 1U : 0U;
        }
      }
    }
  }

  const VersusSides& sides_;
  const ClaimOptions& options_;
  VersusParts& parts_;
  VersusPlaces places_;
  std::vector<Exchange> plan_;  // of one prompt
  std::vector<std::optional<TriedClaim>*> to_;
};

}  // namespace

void try_exchanges(const VersusSides& sides, const ClaimOptions& options, VersusParts& parts) {
  parts.chart.claims_held = parts.chart.claims_tried = 0;
  Trial(sides, options, parts).run();
}

std::vector<PredictedExchange> predicted_exchanges(const VersusSides& sides,
                                                   const VersusParts& parts, std::size_t prompt) {
  const VersusPlaces places(sides, parts.roles);
  const Exchanges exchanges(sides, places, parts.chart.opposed);
  std::vector<PredictedExchange> out;
  for (const VersusNodes& line : parts.ideas) {
    Exchange exchange = exchanges.of(prompt, line);
    out.push_back({std::move(exchange.edits), exchange.predicted});
  }
  return out;
}

}  // namespace cajal
