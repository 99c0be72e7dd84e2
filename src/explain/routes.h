// The strongest ways from words to the answer, told as the boxes that they pass.
#pragma once

#include <vector>

#include "explain/flow.h"

namespace cajal {

/// All paths that pass the same boxes: what a path passes outside of boxes does not count, nor do
/// boxes that it comes back to.
struct Route {
  std::vector<std::size_t> boxes;  // of features, as passed on the way from the words
  std::vector<double> words;       // [positions] share of the answer that starts at each
  double share = 0.0;              // of the answer; their sum
  double effect = 0.0;             // what the answer's value would lose with all these paths
};

/// The `most` strongest routes, strongest first; those that end at errors are not among them.
/// Exact: each share is the sum over all its paths. `boxes`: disjoint sets of features.
std::vector<Route> strongest_routes(const GraphFlow& flow, const std::vector<NodeSet>& boxes,
                                    std::size_t most);

}  // namespace cajal
