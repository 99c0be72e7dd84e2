// How alike the features of a graph are, as far as it matters for taking them as one idea.
#pragma once

#include <functional>

#include "atlas/feature_page.h"
#include "dictionary/dictionary.h"
#include "explain/flow.h"

namespace cajal {

/// What likeness is made of: cosines, and where features stand. Adds up to 1 with an atlas. Found
/// on held-out questions of the specimen's world, where little depends on the exact numbers.
struct LikenessWeights {
  double reads = 0.25;     // encoder directions
  double writes = 0.3;     // decoder directions, over all layers that a CLT's feature writes to
  double inputs = 0.15;    // rows of the graph: what they come from directly
  double outputs = 0.1;    // columns: what their share of the answer comes from
  double words = 0.1;      // the words that they come from in the end
  double examples = 0.05;  // texts that both fire on most, or peaks where the other fires
  double position = 0.05;  // at one position
  double layer = 0.05;     // in one layer; falls with the distance
};

/// What features fire on: of a node of the graph, its page or nullptr.
using PageOfNode = std::function<const FeaturePage*(std::uint32_t node)>;

/// [features, features] F32, symmetric, about -1 to 1. `features`: nodes of the graph.
/// `dictionary`: the one the graph was traced with, or nullptr: then directions count as 0, as
/// examples do without pages.
Matrix feature_likeness(const AttributionGraph& graph, const GraphFlow& flow,
                        const Dictionary* dictionary, NodeSet features,
                        const LikenessWeights& weights = {}, const PageOfNode& page = nullptr);

}  // namespace cajal
