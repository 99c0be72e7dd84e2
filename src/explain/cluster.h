// Groups things by how alike they are: average linkage (Sokal and Michener 1958). What is alike is
// joined; what is less alike only as long as few groups do not hold most of the weight.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "tensor/matrix.h"

namespace cajal {

struct ClusterOptions {
  std::size_t most = 12;  // groups
  double hold = 0.8;      // of all weight, that they should hold
  /// Groups that are as alike as this on average are joined in any case.
  double alike = 0.33;
  /// Of all weight: once groups hold this much, no lighter ones are given.
  double enough = 0.9;
};

/// The groups, heaviest first: the fewest that hold `enough`, at most `most`; members ascending,
/// indices into `likeness` [things, things] F32, symmetric. `weights` [things], >= 0. If all is
/// joined and still more would be needed, they hold less. Equal likeness goes to the lower indices:
/// always the same groups.
std::vector<std::vector<std::uint32_t>> cluster(ConstMatRef likeness,
                                                std::span<const double> weights,
                                                const ClusterOptions& options = {});

}  // namespace cajal
