// Which nodes and edges of a graph matter, and how nodes rank.
//
// Nodes are kept from the most influential on until they hold a share of all influence; then edges
// likewise, by what flows through them. The definitions are circuit-tracer's, so that a graph keeps
// what it keeps there.
#pragma once

#include <span>
#include <vector>

#include "trace/graph_rows.h"

namespace cajal {

/// What becomes of nodes and edges without any influence under a threshold of 1, or where nothing
/// has influence. circuit-tracer does one or the other as its sums are rounded.
enum class Unimportant : std::uint8_t { Dropped, Kept };

struct PruneOptions {
  double node_threshold = 0.8;   // share of influence that kept nodes hold, in [0, 1]
  double edge_threshold = 0.98;  // the same of edges; 0 keeps the strongest and its ties
  Unimportant nodes = Unimportant::Dropped;
  Unimportant edges = Unimportant::Dropped;
};

struct PrunedGraph {
  std::vector<std::uint8_t> kept;  // [nodes] 1 or 0; embeddings and targets always 1
  std::vector<GraphEdge> edges;    // that are kept and not 0, by target, then source
  bool zero_edges = false;         // every pair of nodes counts as an edge (Unimportant::Kept)
};

/// `weights` as in influence(). A feature keeps its place only with an edge in and one out, an
/// error with one out. Throws InvalidArgument for thresholds out of range, and what influence()
/// throws.
PrunedGraph prune(const GraphRows& graph, std::span<const double> weights,
                  const PruneOptions& options = {});

/// The share of influence that a node and all above it hold, [nodes]: small is important. Of equal
/// nodes the lower one comes first. All 1 where there is no influence.
std::vector<double> cumulative_shares(std::span<const double> influence);

/// What an edge into each row is worth, [features + targets]: times |A| it is the edge's score.
/// Between kept nodes only.
std::vector<double> edge_factors(const GraphRows& graph, std::span<const double> weights,
                                 std::span<const std::uint8_t> kept);

/// The value down to which `values` (>= 0) must be kept, ties included, to hold `share` of their
/// sum. Infinity if all are 0. The values are reordered.
double share_threshold(std::vector<double>& values, double share);

}  // namespace cajal
