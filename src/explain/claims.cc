#include "explain/claims.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/error.h"
#include "explain/controls.h"
#include "intervene/batch.h"

namespace cajal {
namespace {

constexpr double kPercentile = 0.95;  // of controls, that a claim must exceed
constexpr double kLeast = 0.3;        // of what was predicted
constexpr double kMost = 3.0;

using Group = std::vector<std::uint32_t>;

void check_claims(const ClaimGround& ground, const Claims& claims) {
  const NodeCounts& counts = ground.flow.counts();
  const std::size_t positions = ground.replacement.tokens().size();
  check(ground.features.size() == counts.features, "{} features are given for a graph that has {}",
        ground.features.size(), counts.features);
  check(counts.positions == positions, "the graph has {} positions, but the prompt {} tokens",
        counts.positions, positions);
  check(ground.value.position + 1 == positions && ground.value.point.kind == PointKind::FinalNorm,
        "claims are tried on what follows the prompt, not on what stands at position {}",
        ground.value.position);
  for (const Group& group : claims.groups) {
    for (const std::uint32_t node : group) {
      check(node < counts.features || (node >= counts.embedding(0) && node < counts.sources()),
            "node {} of a group is neither a feature nor a word", node);
    }
  }
  for (const ClaimEdge& edge : claims.edges) {
    check(edge.source < claims.groups.size() && edge.target < claims.groups.size(),
          "an edge leads from group {} to group {}; {} are given", edge.source, edge.target,
          claims.groups.size());
    for (const std::uint32_t node : claims.groups[edge.target]) {
      check(node < counts.features, "an edge leads to a word, which nothing reaches");
    }
  }
}

bool of_features(const Group& group, const NodeCounts& counts) {
  return std::all_of(group.begin(), group.end(),
                     [&](std::uint32_t node) { return node < counts.features; });
}

bool apart(const Group& a, const Group& b) {
  return std::none_of(a.begin(), a.end(), [&](std::uint32_t node) {
    return std::binary_search(b.begin(), b.end(), node);
  });
}

class ClaimTester {
 public:
  ClaimTester(const ClaimGround& ground, const Claims& claims, const ClaimOptions& options)
      : ground_(ground),
        claims_(claims),
        options_(options),
        batch_(batch_on(ground, options.cancel)) {}

  ClaimTests run() {
    make_cases();
    find_watched();
    outcome_ = batch_.run(cases_, watched_, claims_.groups.size());
    ClaimTests out;
    for (std::size_t g = 0; g < claims_.groups.size(); ++g) {
      out.groups.push_back(test_group(g));
    }
    for (const ClaimEdge& edge : claims_.edges) {
      out.edges.push_back(test_edge(edge));
    }
    return out;
  }

 private:
  /// First every group switched off, then the controls of the first group, of the next, ...
  void make_cases() {
    ControlGroups groups(ground_, options_.seed);
    for (const Group& group : claims_.groups) {
      cases_.push_back(groups.off(group));
    }
    for (std::size_t g = 0; g < claims_.groups.size(); ++g) {
      if (options_.cancel.stop_requested()) {
        fail(ErrorCode::Cancelled, "stopped before the claims were tried");
      }
      for (std::size_t i = 0; i < options_.controls; ++i) {
        cases_.push_back(groups.like(claims_.groups[g], g * options_.controls + i));
      }
    }
  }
  std::size_t control(std::size_t group, std::size_t i) const {
    return claims_.groups.size() + group * options_.controls + i;
  }

  FeaturePlace place(std::uint32_t node) const {
    const ActiveFeature& f = ground_.features[node];
    return {f.layer, f.position, f.feature};
  }
  void find_watched() {
    for (const ClaimEdge& edge : claims_.edges) {
      for (const std::uint32_t node : claims_.groups[edge.target]) {
        if (watched_at_.try_emplace(place(node), watched_.size()).second) {
          watched_.push_back(place(node));
        }
      }
    }
    for (const FeaturePlace& one : watched_) {
      clean_.push_back(batch_.activation(one));
    }
  }

  double change(std::size_t of) const {
    return value_at(ground_.value, outcome_.final_norm.ref(), of) -
           value_at(ground_.value, batch_.final_norm(), 0);
  }

  /// Of an edge's target, as the header has it.
  double change(std::size_t of, const Group& group, std::span<const double> gains) const {
    double sum = 0.0;
    for (std::size_t i = 0; i < group.size(); ++i) {
      const std::size_t w = watched_at_.at(place(group[i]));
      sum += gains[i] * (outcome_.activations[of * watched_.size() + w] - clean_[w]);
    }
    return sum;
  }
  /// Whether a case changes a member of the group itself, not by way of what it did before.
  bool edits_one_of(const BatchCase& one, const Group& group) const {
    return std::any_of(group.begin(), group.end(),
                       [&](std::uint32_t node) { return edits(one, place(node)); });
  }
  static bool edits(const BatchCase& one, const FeaturePlace& place) {
    return std::any_of(one.features.begin(), one.features.end(), [&](const FeatureEdit& edit) {
      return edit.layer == place.layer && edit.feature == place.feature &&
             edit.positions.begin == place.position;
    });
  }

  TestedClaim test_group(std::size_t g) const {
    TestedClaim out;
    for (std::size_t i = 0; i < options_.controls; ++i) {
      out.controls.push_back(change(control(g, i)));
    }
    out.claim = judged_claim(-ground_.flow.effect(claims_.groups[g]), change(g), out.controls);
    find_answer(outcome_.logits.ref(), g, options_, out.claim);
    return out;
  }

  TestedClaim test_edge(const ClaimEdge& edge) const {
    const Group& target = claims_.groups[edge.target];
    const EdgeEffect effect = ground_.flow.effect_through(claims_.groups[edge.source], target);
    TestedClaim out;
    for (std::size_t i = 0; i < options_.controls; ++i) {
      const std::size_t at = control(edge.source, i);
      if (!edits_one_of(cases_[at], target)) {
        out.controls.push_back(change(at, target, effect.gains));
      }
    }
    out.claim =
        judged_claim(-effect.effect, change(edge.source, target, effect.gains), out.controls);
    return out;
  }

  const ClaimGround& ground_;
  const Claims& claims_;
  const ClaimOptions& options_;
  InterventionBatch batch_;
  std::vector<BatchCase> cases_;
  std::vector<FeaturePlace> watched_;  // members of groups that edges lead to
  std::map<FeaturePlace, std::size_t> watched_at_;
  std::vector<double> clean_;  // [watched]
  BatchOutcome outcome_;
};

}  // namespace

ClaimGround claim_ground(Backend& backend, LocalReplacement& replacement,
                         const AttributionGraph& graph, const GraphFlow& flow, RowTarget value) {
  std::vector<ActiveFeature> features;
  features.reserve(graph.counts.features);
  for (std::size_t node = 0; node < graph.counts.features; ++node) {
    features.push_back(graph.feature(node));
  }
  return {.backend = backend,
          .replacement = replacement,
          .flow = flow,
          .features = std::move(features),
          .value = std::move(value)};
}

std::vector<ClaimEdge> strongest_edges(const GraphFlow& flow,
                                       std::span<const std::vector<std::uint32_t>> groups,
                                       double least, std::size_t most) {
  std::vector<std::size_t> strong;  // an edge carries no more than either of its ends
  for (std::size_t g = 0; g < groups.size(); ++g) {
    if (flow.share(groups[g]) >= least) {
      strong.push_back(g);
    }
  }
  std::vector<std::pair<double, ClaimEdge>> found;
  for (const std::size_t s : strong) {
    for (const std::size_t t : strong) {
      if (of_features(groups[t], flow.counts()) && apart(groups[s], groups[t])) {
        found.push_back({flow.edge_share(groups[s], groups[t]), {s, t}});
      }
    }
  }
  std::erase_if(found, [&](const auto& one) { return one.first < least; });
  std::stable_sort(found.begin(), found.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<ClaimEdge> out;
  for (std::size_t i = 0; i < std::min(found.size(), most); ++i) {
    out.push_back(found[i].second);
  }
  return out;
}

double value_at(const RowTarget& target, ConstMatRef values, std::size_t row) {
  double sum = target.bias;
  for (std::size_t c = 0; c < target.direction.size(); ++c) {
    sum += target.direction[c] * element(values, row, c);
  }
  return sum;
}

void find_answer(ConstMatRef logits, std::size_t row, const ClaimOptions& options,
                 TriedClaim& claim) {
  std::size_t best = 0;
  for (std::size_t v = 0; v < logits.cols; ++v) {
    best = element(logits, row, v) > element(logits, row, best) ? v : best;
  }
  double sum = 0.0;
  for (std::size_t v = 0; v < logits.cols; ++v) {
    sum += std::exp(element(logits, row, v) - element(logits, row, best));
  }
  claim.becomes = options.text ? options.text(static_cast<TokenId>(best)) : "";
  claim.becomes_probability = 1.0 / sum;
}

ClaimTests test_claims(const ClaimGround& ground, const Claims& claims,
                       const ClaimOptions& options) {
  check_claims(ground, claims);
  return claims.groups.empty() ? ClaimTests{} : ClaimTester(ground, claims, options).run();
}

double percentile(std::vector<double> values, double share) {
  if (values.empty()) {
    return 0.0;
  }
  std::sort(values.begin(), values.end());
  const double at = share * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const std::size_t above = std::min(below + 1, values.size() - 1);
  return values[below] + (at - static_cast<double>(below)) * (values[above] - values[below]);
}

TriedClaim judged_claim(double predicted, double measured, std::span<const double> controls) {
  std::vector<double> sizes;
  for (const double control : controls) {
    sizes.push_back(std::abs(control));
  }
  TriedClaim out = {.predicted = predicted,
                    .measured = measured,
                    .control_95 = percentile(std::move(sizes), kPercentile),
                    .controls = controls.size()};
  const double ratio = predicted == 0.0 ? 0.0 : measured / predicted;
  out.sign = ratio > 0.0;
  out.size = ratio >= kLeast && ratio <= kMost;
  out.beyond = !controls.empty() && std::abs(measured) > out.control_95;
  return out;
}

}  // namespace cajal
