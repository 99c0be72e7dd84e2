// Which ideas of two charts are the same: by the features that they are made of, by what these are
// labelled, and by where in the prompts they stand.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "explain/chart/chart.h"
#include "explain/versus/alignment.h"

namespace cajal {

/// A pair of ideas, or one that has no like.
struct IdeaPair {
  std::optional<std::size_t> first = std::nullopt;  // into the ideas of the first chart
  std::optional<std::size_t> second = std::nullopt;
  double likeness = 0.0;  // of a pair

  friend bool operator==(const IdeaPair&, const IdeaPair&) = default;
};

/// 0 to 1: the mean of two overlaps of their members by share. Of one, members are the same if they
/// are the same feature at the same role; of the other, if their labels (without one: the feature)
/// and their roles are, which counts only between ideas that have a layer in common.
double likeness(const ChartBox& first, const ChartBox& second, std::span<const SharedRole> roles);

/// From which likeness on two ideas are one.
inline constexpr double kSameIdea = 0.25;

/// The likest pair first, each idea in one pair at most; then ideas of the first chart without a
/// like, then of the second, as they came. `members` of the boxes must be complete.
std::vector<IdeaPair> match_ideas(std::span<const ChartBox> first, std::span<const ChartBox> second,
                                  std::span<const SharedRole> roles, double least = kSameIdea);

}  // namespace cajal
