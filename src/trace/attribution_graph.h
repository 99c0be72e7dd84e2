// What a trace gives: rows of the features that were chosen and of the targets, and all that a
// chart or a file of it needs.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "text/token.h"
#include "trace/graph_rows.h"
#include "trace/local_replacement.h"

namespace cajal {

/// A node at the top of a graph.
struct GraphTarget {
  std::uint32_t token = 0;  // of the vocabulary; vocab + i where target i is another direction
  std::uint32_t position = 0;
  double weight = 0.0;     // its probability, or what the caller gave; not renormalised
  std::string label = {};  // the token's text or the direction's name
};

struct AttributionGraph {
  NodeCounts counts;  // of features that were chosen, errors, embeddings and targets
  std::size_t vocab = 0;
  std::vector<TokenId> tokens;
  std::vector<ActiveFeature> active;      // all that fire, by (layer, position, feature)
  std::vector<std::uint32_t> selected;    // [features] into `active`, ascending
  std::vector<std::uint32_t> order = {};  // the same as they were chosen
  std::vector<GraphTarget> targets;
  Matrix rows;                 // [features + targets, sources + kRowConstants] F32
  Matrix unselected;           // [features + targets, layers * positions] F32: the columns of
                               // features that were not chosen, by their layer and position
  std::vector<double> values;  // [features + targets] what a row adds up to: pre-activation, logit
  std::vector<double> biases;  // [features + targets] what of that is the target's own bias
  double largest_residual = 0.0;  // of all rows, as row_residual() has it
  double unexpanded = 0.0;        // as unexpanded_share() has it, before anything is folded

  /// As circuit-tracer has it: what was not chosen is left out.
  GraphRows graph() const { return {counts, rows.ref()}; }
  std::vector<double> weights() const;
  /// The rows with unselected features as part of the errors where they stand.
  Matrix folded_rows() const;
  const ActiveFeature& feature(std::size_t node) const { return active[selected[node]]; }
};

}  // namespace cajal
