#include "explain/ideas.h"

#include <algorithm>
#include <map>
#include <numeric>

#include <fmt/format.h>

#include "base/error.h"
#include "explain/idea_name.h"

namespace cajal {
namespace {

/// The strongest of `features`, ascending.
std::vector<std::uint32_t> strongest(const GraphFlow& flow, std::vector<std::uint32_t> features,
                                     std::size_t most) {
  std::stable_sort(features.begin(), features.end(), [&](std::uint32_t a, std::uint32_t b) {
    return flow.node_shares()[a] > flow.node_shares()[b];
  });
  features.resize(std::min(most, features.size()));
  std::sort(features.begin(), features.end());
  return features;
}

std::string id_of(const AttributionGraph& graph, std::uint32_t node) {
  const ActiveFeature& f = graph.feature(node);
  return fmt::format("{}_{}_{}", f.layer, f.feature, f.position);
}

}  // namespace

std::optional<FeaturePage> IdeaSources::page(std::uint32_t node) const {
  const ActiveFeature& f = graph.feature(node);
  const auto site = dictionary == nullptr ? f.layer : dictionary->index_of(f.layer);
  if (!atlas || !site) {
    return std::nullopt;
  }
  std::optional<FeaturePage> out = atlas.page({static_cast<std::uint32_t>(*site), f.feature});
  if (out) {
    out->label = out->label.at(static_cast<double>(f.activation));
  }
  return out;
}

std::vector<std::uint32_t> kept_features(const AttributionGraph& graph, const GraphFlow& flow,
                                         double threshold) {
  std::vector<double> shares(flow.node_shares().begin(), flow.node_shares().end());
  shares.resize(graph.counts.sources());
  const double cut = share_threshold(shares, threshold);
  std::vector<std::uint32_t> out;
  for (std::uint32_t f = 0; f < graph.counts.features; ++f) {
    if (flow.node_shares()[f] >= cut) {
      out.push_back(f);
    }
  }
  return out;
}

std::vector<FeatureGroup> find_ideas(const IdeaSources& sources, const IdeaOptions& options) {
  const std::vector<std::uint32_t> kept = strongest(
      sources.flow, kept_features(sources.graph, sources.flow, options.kept), options.largest);
  std::vector<double> weights;
  weights.reserve(kept.size());
  for (const std::uint32_t node : kept) {
    weights.push_back(sources.flow.node_shares()[node]);
  }
  const Matrix likeness =
      feature_likeness(sources.graph, sources.flow, sources.dictionary, kept, options.likeness);
  std::vector<FeatureGroup> out;
  for (const std::vector<std::uint32_t>& members :
       cluster(likeness.ref(), weights, options.cluster)) {
    FeatureGroup& group = out.emplace_back();
    for (const std::uint32_t member : members) {
      group.nodes.push_back(kept[member]);
    }
  }
  name_ideas(sources, options.truth, out);
  return out;
}

double share_held(const GraphFlow& flow, NodeSet features, std::span<const FeatureGroup> groups) {
  double all = 0.0;
  double held = 0.0;
  for (const std::uint32_t node : features) {
    const bool in_one = std::any_of(groups.begin(), groups.end(), [&](const FeatureGroup& group) {
      return std::binary_search(group.nodes.begin(), group.nodes.end(), node);
    });
    all += flow.node_shares()[node];
    held += in_one ? flow.node_shares()[node] : 0.0;
  }
  return all > 0.0 ? held / all : 1.0;
}

std::vector<Supernode> supernodes_of(const Json& query, const std::string& where) {
  const Json* list = query.find_value("supernodes");
  std::vector<Supernode> out;
  if (list == nullptr || list->is_null()) {
    return out;
  }
  if (list->is_string()) {  // as circuit-tracer's page saves them
    const std::string text = list->as_string(where);
    const Json inside = text.empty() ? Json() : Json::parse(text, where + ": supernodes");
    return supernodes_of(Json::object({{"supernodes", inside}}), where);
  }
  for (const Json& entry : list->as_array(where + ": supernodes")) {
    std::vector<std::string> texts;
    for (const Json& part : entry.as_array(where + ": a supernode")) {
      texts.push_back(part.as_string(where + ": a supernode"));
    }
    if (texts.empty()) {
      fail(ErrorCode::CorruptData, "{}: a supernode is empty: it needs a name and ids of nodes",
           where);
    }
    Supernode& node = out.emplace_back();
    node.label = texts.front();
    node.ids.assign(texts.begin() + 1, texts.end());
  }
  return out;
}

Json supernodes_json(const AttributionGraph& graph, std::span<const FeatureGroup> groups) {
  Json out(Json::Array{});
  for (const FeatureGroup& group : groups) {
    Json entry(Json::Array{});
    entry.push_back(group.name());
    for (const std::uint32_t node : group.nodes) {
      entry.push_back(id_of(graph, node));
    }
    out.push_back(std::move(entry));
  }
  return out;
}

std::vector<FeatureGroup> with_supernodes(std::vector<FeatureGroup> groups,
                                          const AttributionGraph& graph,
                                          std::span<const Supernode> supernodes, std::size_t most) {
  std::map<std::string, std::uint32_t> nodes;
  for (std::uint32_t f = 0; f < graph.counts.features; ++f) {
    nodes[id_of(graph, f)] = f;
  }
  std::vector<FeatureGroup> out;
  std::vector<std::uint8_t> taken(graph.counts.features, 0);
  for (const Supernode& supernode : supernodes) {
    FeatureGroup group = {
        .nodes = {}, .label = supernode.label, .named_by = "named by you", .confidence = 1.0};
    for (const std::string& id : supernode.ids) {
      const auto found = nodes.find(id);
      if (found != nodes.end() && taken[found->second] == 0) {
        taken[found->second] = 1;
        group.nodes.push_back(found->second);
      }
    }
    std::sort(group.nodes.begin(), group.nodes.end());
    if (!group.nodes.empty()) {
      out.push_back(std::move(group));
    }
  }
  for (FeatureGroup& group : groups) {
    std::erase_if(group.nodes, [&](std::uint32_t node) { return taken[node] != 0; });
    if (!group.nodes.empty() && out.size() < most) {
      out.push_back(std::move(group));
    }
  }
  return out;
}

}  // namespace cajal
