#include "explain/grouping_score.h"

#include <algorithm>
#include <map>

namespace cajal {
namespace {

/// What the members of a group stand for, by influence.
struct Votes {
  std::map<std::string, double> influence;
  std::size_t members = 0;  // that stand for something
  double all = 0.0;

  double most() const {
    double out = 0.0;
    for (const auto& [label, weight] : influence) {
      out = std::max(out, weight);
    }
    return out;
  }
};

Votes votes_of(const GraphFlow& flow, const FeatureGroup& group, const TruthOfNode& truth) {
  Votes out;
  for (const std::uint32_t node : group.nodes) {
    const std::string label = truth(node);
    if (!label.empty()) {
      out.influence[label] += flow.node_shares()[node];
      out.all += flow.node_shares()[node];
      ++out.members;
    }
  }
  return out;
}

void add(Purity& purity, const Votes& votes) {
  purity.pure += votes.most();
  purity.labelled += votes.all;
}

}  // namespace

GroupingScore score_grouping(const GraphFlow& flow, NodeSet kept,
                             std::span<const FeatureGroup> groups, const TruthOfNode& truth,
                             std::span<const std::string> hidden) {
  const auto is_hidden = [&](const std::string& label) {
    return std::find(hidden.begin(), hidden.end(), label) != hidden.end();
  };
  GroupingScore out;
  out.can_be_found = std::any_of(kept.begin(), kept.end(),
                                 [&](std::uint32_t node) { return is_hidden(truth(node)); });
  for (const FeatureGroup& group : groups) {
    const Votes votes = votes_of(flow, group, truth);
    if (group.nodes.size() > 1) {
      add(out.purity, votes);
    }
    if (votes.members > 1) {
      add(out.strict_purity, votes);
    }
    double found = 0.0;
    for (const auto& [label, weight] : votes.influence) {
      found += is_hidden(label) ? weight : 0.0;
    }
    out.found = out.found || (found > 0.0 && 2.0 * found >= votes.all);
  }
  return out;
}

}  // namespace cajal
