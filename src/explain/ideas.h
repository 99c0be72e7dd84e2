// Groups the features that matter for an answer into a few ideas.
//
// Grouping looks at directions, at what features come from in the graph, and at where they stand;
// never at labels. Names are made afterwards, from the atlas if there is one, else from the prompt.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "dictionary/dictionary.h"
#include "explain/atlas_view.h"
#include "explain/cluster.h"
#include "explain/feature_group.h"
#include "explain/feature_likeness.h"
#include "explain/flow.h"
#include "explain/words.h"
#include "io/json.h"
#include "trace/prune.h"

namespace cajal {

/// What ideas are made from. All of it must outlive the call.
struct IdeaSources {
  const AttributionGraph& graph;
  const GraphFlow& flow;
  const Dictionary* dictionary = nullptr;    // nullptr: groups are made without directions
  std::span<const std::string> tokens = {};  // of the prompt, texts
  std::span<const PromptWord> words = {};    // of these
  std::string answer;                        // " Austin"
  AtlasView atlas = {};

  /// The page of a feature of the graph, with the label of one that fires as strongly as this one
  /// does; nullopt without one.
  std::optional<FeaturePage> page(std::uint32_t node) const;
};

/// Whether labels made from truth may name an idea.
enum class TruthLabels : std::uint8_t { Shown, Hidden };

struct IdeaOptions {
  double kept = 0.8;           // node threshold: features that are kept are grouped (trace/prune.h)
  std::size_t largest = 1024;  // features at most, the most influential ones
  ClusterOptions cluster = {};
  LikenessWeights likeness = {};
  TruthLabels truth = TruthLabels::Shown;
};

/// Features whose influence is above the node threshold, ascending.
std::vector<std::uint32_t> kept_features(const AttributionGraph& graph, const GraphFlow& flow,
                                         double threshold);

/// By influence, as few as options.cluster asks for, each with a name of its own.
std::vector<FeatureGroup> find_ideas(const IdeaSources& sources, const IdeaOptions& options = {});

/// Of the influence of `features`, the part that groups hold.
double share_held(const GraphFlow& flow, NodeSet features, std::span<const FeatureGroup> groups);

/// Groups as a graph file keeps them ("supernodes" in its qParams): names, splits and joins.
struct Supernode {
  std::string label;
  std::vector<std::string> ids;  // of nodes, as trace/graph_json.h writes them
};
/// Throws CorruptData naming `where` for what is no list of names with ids.
std::vector<Supernode> supernodes_of(const Json& query, const std::string& where);
Json supernodes_json(const AttributionGraph& graph, std::span<const FeatureGroup> groups);

/// What the user said goes first: each supernode becomes a group of its features, which leave the
/// groups they were in; groups without members go. At most `most`, supernodes always. Ids that the
/// graph lacks, or of other nodes, are left out.
std::vector<FeatureGroup> with_supernodes(std::vector<FeatureGroup> groups,
                                          const AttributionGraph& graph,
                                          std::span<const Supernode> supernodes,
                                          std::size_t most = 12);

}  // namespace cajal
