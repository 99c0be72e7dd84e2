#include "trace/graph_json.h"

#include <algorithm>
#include <cmath>

#include <fmt/core.h>

#include "base/error.h"
#include "trace/influence.h"

namespace cajal {
namespace {

bool is_slug(std::string_view slug) {
  return !slug.empty() && std::all_of(slug.begin(), slug.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
  });
}

/// Writes the nodes and links of one graph.
class Writer {
 public:
  Writer(const AttributionGraph& graph, const GraphJsonOptions& options)
      : graph_(graph), options_(options), counts_(graph.counts), weights_(graph.weights()) {
    if (options.unselected == Unselected::Folded) {
      folded_ = graph.folded_rows();
    }
    rows_ = {counts_, folded_.empty() ? graph.rows.ref() : folded_.ref()};
    shares_ = cumulative_shares(influence(rows_, weights_).nodes);
    pruned_ = prune(rows_, weights_, options.prune);
  }

  Json run() const {
    Json out;
    out.set("metadata", metadata());
    out.set("qParams", Json::object({{"pinnedIds", Json::Array{}},
                                     {"supernodes", Json::Array{}},
                                     {"linkType", "both"},
                                     {"clickedId", ""},
                                     {"sg_pos", ""}}));
    out.set("nodes", nodes());
    out.set("links", links());
    return out;
  }

 private:
  Json metadata() const {
    Json out = Json::object({{"slug", options_.slug},
                             {"scan", options_.scan},
                             {"transcoder_list", Json::array_of(options_.transcoders)},
                             {"prompt_tokens", Json::array_of(options_.prompt_tokens)},
                             {"prompt", options_.prompt},
                             {"node_threshold", options_.prune.node_threshold},
                             {"schema_version", 1}});
    if (!options_.info.is_null()) {
      out.set("info", options_.info);
    }
    if (!options_.generation_settings.is_null()) {
      out.set("generation_settings", options_.generation_settings);
    }
    out.set("pruning_settings", Json::object({{"node_threshold", options_.prune.node_threshold},
                                              {"edge_threshold", options_.prune.edge_threshold}}));
    out.set("cajal", own_block());
    return out;
  }

  static Json number(const std::optional<double>& x) { return x ? Json(*x) : Json(); }

  Json own_block() const {
    Json out = options_.provenance.is_object() ? options_.provenance : Json::object({});
    const Matrix folded = graph_.folded_rows();
    const GraphScores whole = graph_scores({counts_, folded.ref()}, weights_);
    const GraphScores dropped = graph_scores(graph_.graph(), weights_);
    out.set("replacement_score", number(whole.replacement));
    out.set("completeness_score", number(whole.completeness));
    out.set("replacement_score_without_unselected", number(dropped.replacement));
    out.set("completeness_score_without_unselected", number(dropped.completeness));
    out.set("largest_row_residual", graph_.largest_residual);
    out.set("unexpanded_influence", graph_.unexpanded);
    out.set("active_features", std::uint64_t{graph_.active.size()});
    out.set("selected_features", std::uint64_t{graph_.selected.size()});
    return out;
  }

  bool is_kept(std::size_t node) const { return pruned_.kept[node] != 0; }

  std::string id(std::size_t node) const {
    if (node < counts_.features) {
      const ActiveFeature& f = graph_.feature(node);
      return fmt::format("{}_{}_{}", f.layer, f.feature, f.position);
    }
    if (node < counts_.embedding(0)) {
      const std::size_t layer = (node - counts_.features) / counts_.positions;
      const std::size_t position = (node - counts_.features) % counts_.positions;
      return options_.error_ids == ErrorIds::Distinct ? fmt::format("{}_-1_{}", layer, position)
                                                      : fmt::format("0_{}_{}", layer, position);
    }
    if (node < counts_.sources()) {
      const std::size_t position = node - counts_.embedding(0);
      return fmt::format("E_{}_{}", graph_.tokens[position], position);
    }
    const GraphTarget& target = graph_.targets[node - counts_.sources()];
    return fmt::format("{}_{}_{}", counts_.layers + 1, target.token, target.position);
  }

  Json node(std::size_t index) const {
    if (index < counts_.features) {
      return feature_node(index);
    }
    if (index < counts_.embedding(0)) {
      const std::size_t layer = (index - counts_.features) / counts_.positions;
      const std::size_t position = (index - counts_.features) % counts_.positions;
      return fields(index, {.feature = -1,
                            .layer = std::to_string(layer),
                            .position = position,
                            .type = "mlp reconstruction error",
                            .js_id = fmt::format("{}_{}-0", layer, position)});
    }
    if (index < counts_.sources()) {
      const std::size_t position = index - counts_.embedding(0);
      return fields(index, {.feature = static_cast<std::int64_t>(position),
                            .layer = "E",
                            .position = position,
                            .type = "embedding",
                            .js_id = fmt::format("E_{}-{}", graph_.tokens[position], position)});
    }
    return target_node(index);
  }

  struct Fields {
    std::int64_t feature = 0;
    std::string layer;
    std::size_t position = 0;
    std::string_view type;
    std::string js_id;
    std::string label = {};
    Json activation = {};
  };
  Json fields(std::size_t index, const Fields& f) const {
    const bool target = index >= counts_.sources();
    return Json::object({{"node_id", id(index)},
                         {"feature", f.feature},
                         {"layer", f.layer},
                         {"ctx_idx", std::uint64_t{f.position}},
                         {"feature_type", f.type},
                         {"token_prob", target ? weights_[index - counts_.sources()] : 0.0},
                         {"is_target_logit", index == counts_.sources()},
                         {"run_idx", 0},
                         {"reverse_ctx_idx", 0},
                         {"jsNodeId", f.js_id},
                         {"clerp", f.label},
                         {"influence", target ? Json() : Json(shares_[index])},
                         {"activation", f.activation}});
  }
  Json feature_node(std::size_t index) const {
    const ActiveFeature& f = graph_.feature(index);
    return fields(index, {.feature = static_cast<std::int64_t>(paired_index(f.layer, f.feature)),
                          .layer = std::to_string(f.layer),
                          .position = f.position,
                          .type = "cross layer transcoder",  // of every kind, as readers expect
                          .js_id = fmt::format("{}_{}-0", f.layer, f.feature),
                          .label = options_.label ? options_.label(f) : std::string(),
                          .activation = static_cast<double>(f.activation)});
  }
  Json target_node(std::size_t index) const {
    const GraphTarget& target = graph_.targets[index - counts_.sources()];
    return fields(index,
                  {.feature = static_cast<std::int64_t>(target.token),
                   .layer = std::to_string(counts_.layers + 1),
                   .position = target.position,
                   .type = "logit",
                   .js_id = fmt::format("L_{}-{}", target.token, target.position),
                   .label = fmt::format("Output \"{}\" (p={:.3f})", target.label, target.weight)});
  }

  /// Kept features and errors that an edge touches, all embeddings and targets.
  Json nodes() const {
    Json::Array out;
    for (std::size_t index = 0; index < counts_.nodes(); ++index) {
      if (is_kept(index)) {
        out.push_back(node(index));
      }
    }
    return Json(std::move(out));
  }

  Json links() const {
    Json::Array out;
    for (const GraphEdge& edge : pruned_.edges) {
      out.push_back(Json::object(
          {{"source", id(edge.source)},
           {"target", id(edge.target)},
           {"weight", element(rows_.values, row_of(counts_, edge.target), edge.source)}}));
    }
    return Json(std::move(out));
  }

  const AttributionGraph& graph_;
  const GraphJsonOptions& options_;
  NodeCounts counts_;
  std::vector<double> weights_;
  Matrix folded_;
  GraphRows rows_;
  std::vector<double> shares_;
  PrunedGraph pruned_;
};

}  // namespace

std::uint64_t paired_index(std::uint64_t layer, std::uint64_t feature) noexcept {
  return (layer + feature) * (layer + feature + 1) / 2 + feature;
}

std::pair<std::uint64_t, std::uint64_t> unpaired_index(std::uint64_t index) noexcept {
  auto w =
      static_cast<std::uint64_t>((std::sqrt(8.0 * static_cast<double>(index) + 1.0) - 1.0) / 2.0);
  while (w * (w + 1) / 2 > index) {  // the root is rounded
    --w;
  }
  while ((w + 1) * (w + 2) / 2 <= index) {
    ++w;
  }
  const std::uint64_t feature = index - w * (w + 1) / 2;
  return {w - feature, feature};
}

Json graph_json(const AttributionGraph& graph, const GraphJsonOptions& options) {
  check(is_slug(options.slug), "'{}' is no slug: use letters, digits, - and _", options.slug);
  check(options.prompt_tokens.size() == graph.counts.positions,
        "there are {} texts of tokens for {} positions", options.prompt_tokens.size(),
        graph.counts.positions);
  return Writer(graph, options).run();
}

}  // namespace cajal
