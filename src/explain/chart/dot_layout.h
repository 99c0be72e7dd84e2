// Ranks and positions of a directed graph, as graphviz's `dot` chooses them (Gansner et al. 1993,
// "A technique for drawing directed graphs"): few crossings, short edges. Drawing is ours.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace cajal {

enum class DotRank : std::uint8_t { Any, First, Last };

struct DotNode {
  double height = 0.0;  // across the direction of flow, in pixels
  DotRank rank = DotRank::Any;
};

struct DotEdge {
  std::size_t from = 0;
  std::size_t to = 0;
  unsigned weight = 1;  // how much it wants to be short and straight
};

struct DotPlace {
  std::size_t rank = 0;  // 0 is leftmost
  double middle = 0.0;   // of the node, from the top, in pixels
};

/// Left to right. The same graph gives the same places; any thread may call, one works at a time.
/// Throws Unsupported if graphviz's layouts are not installed.
std::vector<DotPlace> place_with_dot(std::span<const DotNode> nodes, std::span<const DotEdge> edges,
                                     double gap);

}  // namespace cajal
