// Groups of a dictionary's features, each read as one feature: is all of it there, or a part?
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <utility>
#include <vector>

#include "tensor/sparse_rows.h"

namespace cajal {

struct JointMember {
  std::size_t site = 0;  // place in the dictionary's layers
  std::uint32_t feature = 0;
  double weight = 1.0;  // above 0
  double full = 1.0;    // an activation at which all of it is there; above 0
};

/// sum of weight min(1, activation / full) over members, divided by the sum of weights: 0 where
/// none fires, 1 where all do as strongly as they should.
class JointFeatures {
 public:
  /// Throws InvalidArgument for a group without members, or weights that are not above 0.
  explicit JointFeatures(std::span<const std::vector<JointMember>> groups);

  std::size_t size() const noexcept { return size_; }
  /// `codes`: by site, features that fired. One column for each group, of which at least 1 % is
  /// there.
  SparseRows read(std::span<const SparseRows> codes) const;

 private:
  struct Part {
    std::uint32_t group = 0;
    double weight = 0.0;  // of all of the group
    double full = 1.0;
  };
  std::size_t size_ = 0;
  std::map<std::pair<std::size_t, std::uint32_t>, std::vector<Part>> parts_;  // by site, feature
};

}  // namespace cajal
