// How alike the features of a graph are, as far as it matters for taking them as one idea.
#pragma once

#include "dictionary/dictionary.h"
#include "explain/flow.h"

namespace cajal {

/// What likeness is made of: cosines, and where features stand. Found on held-out questions of
/// the specimen's world, where little depends on the exact numbers. What features fire on together
/// in an atlas was tried, too, and did not make groups purer.
struct LikenessWeights {
  double reads = 0.25;     // encoder directions
  double writes = 0.3;     // decoder directions, over all layers that a CLT's feature writes to
  double inputs = 0.15;    // rows of the graph: what they come from directly
  double outputs = 0.1;    // columns: what their share of the answer comes from
  double words = 0.1;      // the words that they come from in the end
  double position = 0.05;  // at one position
  double layer = 0.05;     // in one layer; falls with the distance
};

/// [features, features] F32, symmetric, about -1 to 1. `features`: nodes of the graph.
/// `dictionary`: the one the graph was traced with, or nullptr: then directions count as 0.
Matrix feature_likeness(const AttributionGraph& graph, const GraphFlow& flow,
                        const Dictionary* dictionary, NodeSet features,
                        const LikenessWeights& weights = {});

}  // namespace cajal
