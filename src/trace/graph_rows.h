// The nodes of an attribution graph and the numbers between them, apart from any model.
//
// Nodes stand in the order [features by (layer, position, feature) | errors by layer, then position
// | embeddings by position | targets]. A row is a target of effects, a column a source: the entry
// is how much of the row's value is linearly due to the column (Ameisen et al. 2025, "Circuit
// Tracing"). Errors and embeddings have no row, targets no column, and a feature depends on earlier
// features only, so the graph has no cycle.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "tensor/matrix.h"

namespace cajal {

struct NodeCounts {
  std::size_t features = 0;
  std::size_t layers = 0;     // of errors
  std::size_t positions = 0;  // of errors and embeddings
  std::size_t targets = 0;

  std::size_t error(std::size_t layer, std::size_t position) const noexcept {
    return features + layer * positions + position;
  }
  std::size_t embedding(std::size_t position) const noexcept {
    return features + layers * positions + position;
  }
  /// How many nodes are sources: features, errors and embeddings. Targets come after them.
  std::size_t sources() const noexcept { return embedding(positions); }
  std::size_t target(std::size_t i) const noexcept { return sources() + i; }
  std::size_t nodes() const noexcept { return sources() + targets; }
  friend bool operator==(const NodeCounts&, const NodeCounts&) = default;
};

/// A graph whose every feature has its row.
struct GraphRows {
  NodeCounts counts;
  ConstMatRef values;  // [features + targets, sources] F32 or F64: rows of features, then targets
};

/// Rows of some nodes, in any order.
struct KnownRows {
  NodeCounts counts;
  ConstMatRef values;                    // [known, >= sources] F32 or F64
  std::span<const std::uint32_t> nodes;  // [known] whose row each is; none twice
};

/// An edge between nodes.
struct GraphEdge {
  std::uint32_t target = 0;
  std::uint32_t source = 0;
  friend auto operator<=>(const GraphEdge&, const GraphEdge&) = default;
};

/// The node of each row of a GraphRows.
std::vector<std::uint32_t> row_nodes(const NodeCounts& counts);
/// Whose row that is; the node must have one.
inline std::size_t row_of(const NodeCounts& counts, std::size_t node) noexcept {
  return node < counts.features ? node : node - counts.sources() + counts.features;
}

/// Throws InvalidArgument unless the shapes fit and the elements are F32 or F64.
void check_rows(const GraphRows& graph);
void check_rows(const KnownRows& rows);

}  // namespace cajal
