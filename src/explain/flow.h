// How much of an answer goes which way through an attribution graph, and what it would lose.
//
// Two kinds of numbers, for sets of nodes and for the edges between sets, over rows in which
// unselected features are part of the errors (AttributionGraph::folded_rows()):
//
// * Shares, >= 0: path flow from the targets back to the inputs. With N[t,s] = |A[t,s]| / sum
// |A[t]|
//   (trace/influence.h), a path target <- n1 <- ... <- input has the flow w N N ... N, and the
//   flows of all paths add up to 1. A set's share is the flow of the paths that pass through it, an
//   edge's that of the paths that use it, each path counted once however often it does. Embeddings
//   and errors are where paths end: their shares add up to 1, and those of errors to 1 -
//   replacement.
//
// * Effects, signed, in units of the targets' value (logits): what the value would lose in the
// linear
//   model that the graph is, in which a feature's activation changes as its pre-activation does
//   (true of every activation function but the gated one) and never stops firing. If s changes by
//   the share r[s] of its activation, then r[t] = sum_s A[t,s] r[s] / a[t]. A set is switched off
//   by r = -1 at its members, whatever reaches them; errors and embeddings do not change by
//   themselves.
//
// With several targets the value is the mean of theirs by weight.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "trace/attribution_graph.h"

namespace cajal {

/// Nodes of a graph, ascending, none twice.
using NodeSet = std::span<const std::uint32_t>;

/// What reaches the target from one set by way of another.
struct EdgeEffect {
  double effect = 0.0;
  /// [nodes of the set that is reached] what the target gains when such a node's value
  /// (pre-activation, logit) rises by 1, by ways that the effect counts.
  std::vector<double> gains;
};

/// Immutable. Functions throw InvalidArgument for sets that are not ascending or have a node that
/// the graph lacks, and for edges between sets that have a node in common. A call costs a sweep
/// over the rows.
class GraphFlow {
 public:
  explicit GraphFlow(const AttributionGraph& graph);
  /// `rows` as in GraphRows, F32 or F64, unselected features folded; `weights` [targets], >= 0, not
  /// all 0; `activations` [features], not 0. Throws what influence() throws.
  GraphFlow(const NodeCounts& counts, Matrix rows, std::vector<double> weights,
            std::vector<double> activations);

  const NodeCounts& counts() const noexcept { return counts_; }
  double activation(std::size_t feature) const { return activations_[feature]; }
  /// A[t,s]; `target` a feature or a target.
  double edge(std::size_t target, std::size_t source) const;

  /// [nodes] of each by itself; a target's is its part of the weights.
  std::span<const double> node_shares() const noexcept { return shares_; }
  double share(NodeSet set) const;
  /// [set] what of share(set) comes to each member before any other, from the targets down.
  std::vector<double> member_shares(NodeSet set) const;
  /// Of the paths that use an edge from a source to a target set, each once.
  double edge_share(NodeSet sources, NodeSet targets) const;
  /// [nodes] the other way: of what comes to each node, the part that comes from `source`, each
  /// path by its flow; 1 for itself.
  std::vector<double> shares_from(std::uint32_t source) const;
  /// [sources] what of a feature's or a target's share comes on to each.
  std::vector<double> sent_on(std::uint32_t node) const;
  /// The share of the errors: 1 - replacement score.
  double unexplained() const;
  /// As graph_scores() has it.
  double completeness() const;

  /// [nodes] of each by itself; 0 for targets.
  std::span<const double> node_effects() const noexcept { return effects_; }
  /// What the target's value loses when all of the set is off: its total linear effect. A claim
  /// predicts the change -effect(set).
  double effect(NodeSet set) const;
  /// [set] what of it goes through each member last, before it comes to the target.
  std::vector<double> member_effects(NodeSet set) const;
  /// What the target's value loses when the direct edges from sources to targets are cut, and
  /// nothing else: sum_t gains[t] sum_s A[t,s].
  EdgeEffect edge_effect(NodeSet sources, NodeSet targets) const;
  /// [nodes] by what share of its activation (of a target: by how much) each changes when `off` is
  /// off: -1 there; 0 for errors and embeddings that are not in it.
  std::vector<double> responses(NodeSet off) const;
  /// What the target's value loses through `targets` when `sources` are off: the part of
  /// effect(sources) by ways, direct or not, that come through `targets`, each way once. A claim
  /// about the edge predicts -effect; measured it is the sum of gains[t] times the change of t's
  /// value in a model whose sources are off.
  EdgeEffect effect_through(NodeSet sources, NodeSet targets) const;

  /// Which of the two numbers is followed along paths.
  enum class Kind : std::uint8_t { Flow, Effect };
  /// [nodes] what paths start with at the targets, so that flows that arrive add up to 1.
  std::vector<double> start(Kind kind) const;
  /// [nodes] what comes to each node when `amounts` [nodes] are passed on from the targets down;
  /// nodes that `stops` [nodes] marks keep theirs.
  std::vector<double> follow(Kind kind, std::vector<double> amounts,
                             std::span<const std::uint8_t> stops) const {
    return descend(kind, std::move(amounts), stops, nullptr);
  }

 private:
  struct Cut;

  std::vector<double> descend(Kind kind, std::vector<double> amounts,
                              std::span<const std::uint8_t> stops, Cut* cut) const;
  /// From the targets; nodes of `absorbing` pass nothing on.
  std::vector<double> descend(Kind kind, NodeSet absorbing, Cut* cut = nullptr) const;
  void pass_on(std::size_t node, Kind kind, std::span<double> amounts) const;
  void pass_on_cut(std::size_t node, Kind kind, std::span<double> amounts, Cut& cut) const;
  /// The direct edges from sources to targets, cut, and all that would have gone there.
  Cut cut_between(NodeSet sources, NodeSet targets, Kind kind) const;
  /// sum_s A[node,s] values[s], of |A| for flows, times factor().
  double take_in(std::size_t node, Kind kind, std::span<const double> values) const;
  void find_arrivals();
  void check_set(NodeSet set) const;
  void check_edge(NodeSet sources, NodeSet targets) const;
  double factor(std::size_t node, Kind kind) const;

  NodeCounts counts_;
  Matrix rows_;
  std::vector<double> weights_;      // add up to 1
  std::vector<double> activations_;  // [features]
  std::vector<double> row_sums_;     // [rows] of |A|
  std::vector<double> arrival_;      // [nodes] of what comes there, the part that reaches an input
  double total_ = 0.0;               // of the targets, what reaches one
  std::vector<double> shares_;
  std::vector<double> effects_;
};

}  // namespace cajal
