// How well ideas agree with what is known to be true, where it is: on the specimen's world.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "explain/feature_group.h"
#include "explain/flow.h"

namespace cajal {

/// The truth that a feature of a graph stands for ("state=Texas", F1 0.5 or more); "" for none.
using TruthOfNode = std::function<std::string(std::uint32_t node)>;

/// Influence, summed over groups.
struct Purity {
  double pure = 0.0;      // of members that stand for what most of their group stands for
  double labelled = 0.0;  // of all members that stand for something
  double share() const { return labelled == 0.0 ? 0.0 : pure / labelled; }
};

struct GroupingScore {
  Purity purity;              // groups of two members or more
  Purity strict_purity;       // groups with two labelled members or more
  bool can_be_found = false;  // a kept feature stands for what is hidden
  /// A group is what is hidden: at least half of its labelled influence stands for it.
  bool found = false;
};

/// `kept`: the features that were grouped; `hidden`: what the question hides ("state=Texas"), any
/// of which will do. Throws what GraphFlow throws.
GroupingScore score_grouping(const GraphFlow& flow, NodeSet kept,
                             std::span<const FeatureGroup> groups, const TruthOfNode& truth,
                             std::span<const std::string> hidden);

}  // namespace cajal
