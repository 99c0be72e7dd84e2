// What fires in a sequence, feature by feature.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "activations/token_batches.h"
#include "tensor/sparse_rows.h"

namespace cajal {

/// A feature that fires on a token.
struct Firing {
  std::uint32_t feature = 0;  // numbered over all sites
  std::uint32_t token = 0;    // in the sequence
  float value = 0.0F;         // the size of its activation
  friend bool operator==(const Firing&, const Firing&) = default;
};

/// By feature, then token. `codes`, by site, are of `rows` of the batch (ascending); a site's
/// features are numbered from `first` of it on: [sites + 1], ascending from 0.
std::vector<Firing> firings_of(const TokenSequence& sequence, std::span<const std::size_t> rows,
                               std::span<const SparseRows> codes,
                               std::span<const std::size_t> first);

/// Calls use(std::span<const T>) for what each feature has of `by_feature`, feature by feature; T
/// has a member `feature`.
template <typename T, typename Use>
void for_each_feature(std::span<const T> by_feature, const Use& use) {
  for (auto at = by_feature.begin(); at != by_feature.end();) {
    const auto end = std::find_if(at, by_feature.end(),
                                  [&](const T& one) { return one.feature != at->feature; });
    use(std::span<const T>(at, end));
    at = end;
  }
}

}  // namespace cajal
