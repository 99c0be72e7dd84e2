// The chart of a graph: words, ideas, the answer, what is not explained, and what flows between
// them. What came of trying it (claims) and which heads carried it is filled in by others, who find
// here which nodes each box stands for.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "explain/chart/chart.h"
#include "explain/ideas.h"
#include "trace/influence.h"

namespace cajal {

/// What is known of the answer besides its graph.
struct ChartAnswer {
  std::string prompt;
  std::vector<std::string> tokens;  // [positions] texts
  std::string text;                 // " Austin"
  double probability = 0.0;
  std::string why_not = {};  // the other token; empty: none
  std::vector<ChartAlternative> alternatives = {};
};

struct ChartOptions {
  IdeaOptions ideas = {};
  std::vector<Supernode> supernodes = {};  // groups that the user made
  double least_edge = 0.01;                // share of the answer from which an edge is shown
  std::size_t edges = 40;                  // at most; of each idea the strongest ones besides
  std::size_t routes = 6;
  std::size_t members = 12;  // of an idea, listed
  std::size_t tokens = 5;    // promoted and suppressed
  std::size_t examples = 3;
};

struct ChartParts {
  Chart chart;
  std::vector<FeatureGroup> ideas;  // ideas[i] is the box "i{i}"
  /// Nodes of the graph by box, ascending: features of ideas, embeddings of words, targets of the
  /// answer, errors of what is not explained.
  std::map<std::string, std::vector<std::uint32_t>> nodes;
};

/// Everything but claims, heads and footer. `flow` of the same graph. Throws InvalidArgument if
/// there are not as many tokens as positions, and what GraphFlow throws.
ChartParts build_chart(const AttributionGraph& graph, const GraphFlow& flow,
                       const Dictionary* dictionary, const ChartAnswer& answer,
                       const AtlasView& atlas = {}, const ChartOptions& options = {});

}  // namespace cajal
