// How much of what the targets are worth comes to each node.
//
// With N the rows of |A|, each divided by its sum, and w the weights of the targets:
// I = w N + w N^2 + ... Since the graph has no cycle one sweep from the targets down gives the
// series. Sums are in double, in an order that depends on the graph alone.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "trace/graph_rows.h"

namespace cajal {

/// What a row's sum of |A| is at least taken for.
inline constexpr double kSmallestRowSum = 1e-10;
/// The same while rows are still being added.
inline constexpr double kSmallestPartialRowSum = 1e-8;

/// Influence and what it was made of.
struct Influence {
  std::vector<double> nodes;     // [nodes]; 0 for targets
  std::vector<double> row_sums;  // [features + targets] of |A|, between kept nodes
};

/// `weights` [targets], >= 0. With `kept` [nodes], rows and columns of the others count as 0.
/// Throws InvalidArgument for shapes that do not fit, CorruptData naming the nodes if a feature
/// depends on itself or a later one, or if an entry is not finite.
Influence influence(const GraphRows& graph, std::span<const double> weights,
                    std::span<const std::uint8_t> kept = {});

/// [nodes]. Features without a row receive, but pass nothing on.
std::vector<double> partial_influence(const KnownRows& rows, std::span<const double> weights);

/// What part of the weights goes no further because the feature it comes to has no row; 0 if there
/// is no influence. `influence` is what partial_influence() gave.
double unexpanded_share(const KnownRows& rows, std::span<const double> influence);

/// How well features account for the targets: 1 if no error takes part.
struct GraphScores {
  /// Of the influence that reaches embeddings and errors, the part of the embeddings; nullopt if
  /// none reaches either.
  std::optional<double> replacement;
  /// The mean over nodes, by influence, of the part of a row that does not come from errors;
  /// nullopt if no target has a weight.
  std::optional<double> completeness;
};

GraphScores graph_scores(const GraphRows& graph, std::span<const double> weights);

}  // namespace cajal
