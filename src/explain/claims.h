// Claims that a graph makes, tried on the model: with nothing frozen, is the effect of a group of
// nodes there, of its size, and more than that of any such group?
//
// Switched off. A feature is set to 0 where it stands: as much of its direction is taken from what
// its MLP gives as it is active by then (intervene/run.h), so that everything after it answers. The
// embedding of a token is taken away whole.
//
// Predicted: the linear model that the graph is (explain/flow.h).
//   group: the change of the target's value, -effect(group), by all ways to the target.
//   edge from group S to group T: the part of that which comes through T, -effect_through(S, T):
//   by all ways from S to T, not the direct ones alone, since with nothing frozen the model's T
//   answers to all of them, and no part of that can be told from the rest.
// Measured, in the same unit:
//   group: value with the group off - value without; the value is direction . final norm, e.g. a
//   logit less the mean of all.
//   edge: the change of T as the target's value sees it: sum over members t of T of gains[t] (what
//   the value gains when t's activation rises by 1) * (activation of t with S off - without). It is
//   the activation after the activation function, what T then writes: a member that no longer fires
//   has lost all of it, however far below its threshold the graph sees it.
//
// Controls: groups alike in layer, position, size and the length of what each member writes. For
// every member there is a feature of the same layer at the same position instead, of which as much
// is taken away, by norm of what is written, as the member writes. Lengths are those of members,
// not of their sum: members of an idea point the same way more often than random ones do (on the
// specimen their sum at a place is 7 % longer than a control's, which is worth 3 of 132 claims).
// Each is drawn from those that fire there and are not in the group; where these are fewer than
// four times as many as are to be replaced, others of the layer fill up. Where few fire, random
// groups hold the same ones again and again: they stand for those few. Features of other groups
// are not left out: that would compare with what does not matter. For an embedding that of another
// token of the vocabulary is taken away, at the same norm. The 95th percentile is between the two
// largest of 20, as numpy's. An edge's controls are those of its source, read at its targets,
// without those that change one of the targets itself, which is no way from the source to it.
#pragma once

#include <functional>
#include <map>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "explain/chart/chart.h"
#include "explain/flow.h"
#include "trace/local_replacement.h"

namespace cajal {

/// Where claims are tried, and what makes them. All must outlive its use.
struct ClaimGround {
  Backend& backend;
  LocalReplacement& replacement;  // of the prompt
  const GraphFlow& flow;
  std::vector<ActiveFeature> features;  // [flow.counts().features] by node
  RowTarget value;                      // at the last position; what the flow's target is worth
};

/// Of a traced graph, with what its flow's target is worth.
ClaimGround claim_ground(Backend& backend, LocalReplacement& replacement,
                         const AttributionGraph& graph, const GraphFlow& flow, RowTarget value);

struct ClaimEdge {
  std::size_t source = 0;  // into the groups
  std::size_t target = 0;
};

struct Claims {
  std::vector<std::vector<std::uint32_t>> groups;  // nodes, ascending: features, embeddings
  std::vector<ClaimEdge> edges;                    // between groups that share no node
};

/// The edges that carry at least `least` of the answer (GraphFlow::edge_share), strongest first,
/// `most` at most: to groups of features alone, between groups that share no node. Throws
/// InvalidArgument for groups that are not ascending.
std::vector<ClaimEdge> strongest_edges(const GraphFlow& flow,
                                       std::span<const std::vector<std::uint32_t>> groups,
                                       double least = 0.02, std::size_t most = 32);

struct ClaimOptions {
  std::size_t controls = 20;
  std::uint64_t seed = 0;
  std::function<std::string(TokenId)> text = nullptr;  // for TriedClaim::becomes
  std::stop_token cancel = {};
};

/// A claim with what its controls did.
struct TestedClaim {
  TriedClaim claim;
  std::vector<double> controls;  // measured, of each random group, signed
};

struct ClaimTests {
  std::vector<TestedClaim> groups;  // as they were given
  std::vector<TestedClaim> edges;
};

/// The same claims and seed give the same numbers. A group without a member that can be switched
/// off did not hold. Throws InvalidArgument for nodes that are no feature and no embedding, groups
/// that share nodes where an edge joins them, and a value that is not of the last position;
/// Cancelled.
ClaimTests test_claims(const ClaimGround& ground, const Claims& claims,
                       const ClaimOptions& options = {});

/// Whether it held: the rules above on numbers.
TriedClaim judged_claim(double predicted, double measured, std::span<const double> controls);

/// Between the values next to share * (count - 1) in ascending order, linearly; 0 of none.
double percentile(std::vector<double> values, double share);

/// What a target is worth where `values` [rows, columns of its point] holds its point's values.
double value_at(const RowTarget& target, ConstMatRef values, std::size_t row);

/// Fills what a claim's answer becomes: the likeliest token of a row of logits.
void find_answer(ConstMatRef logits, std::size_t row, const ClaimOptions& options,
                 TriedClaim& claim);

/// Nodes of the graph by the id of a box, as ChartParts has them (explain/build_chart.h).
using BoxNodes = std::map<std::string, std::vector<std::uint32_t>>;

/// Tries the claims of a chart: boxes of ideas and of words, edges between them and to the answer
/// (whose claim is the box's own). Fills `claim` of boxes and edges. claims_held and claims_tried
/// count each claim once: ideas, edges to ideas, and edges from words to the answer.
void try_claims(const ClaimGround& ground, const BoxNodes& nodes, const ClaimOptions& options,
                Chart& chart);

/// Fills the heads of the chart's edges: the `most` strongest, other_heads, bypass.
void find_heads(const ClaimGround& ground, const BoxNodes& nodes, std::size_t most, Chart& chart);

}  // namespace cajal
