// What a trace says of itself: graph files, and the JSON of its outcome.
#include "service/trace.h"
#include "trace/raw_graph.h"

namespace cajal {
namespace {

Json score_json(const GraphScores& scores) {
  const auto number = [](const std::optional<double>& x) { return x ? Json(*x) : Json(); };
  return Json::object(
      {{"replacement", number(scores.replacement)}, {"completeness", number(scores.completeness)}});
}

/// What the file of a graph says about where it comes from.
Json provenance_json(const Session& session, const TraceOutcome& outcome) {
  return envelope("trace", provenance_of(session, outcome), Json()).at("provenance", "envelope");
}

std::string kind_of(const TraceOutcome& outcome, std::size_t node) {
  const NodeCounts& counts = outcome.graph.counts;
  return node < counts.features ? "feature" : node < counts.embedding(0) ? "error" : "embedding";
}

struct Place {
  std::optional<std::size_t> layer;
  std::size_t position = 0;
};

Place place_of(const AttributionGraph& graph, std::size_t node) {
  const NodeCounts& counts = graph.counts;
  if (node < counts.features) {
    const ActiveFeature& f = graph.feature(node);
    return {f.layer, f.position};
  }
  if (node < counts.embedding(0)) {
    return {(node - counts.features) / counts.positions,
            (node - counts.features) % counts.positions};
  }
  return {std::nullopt, node - counts.embedding(0)};
}

}  // namespace

Json graph_file(const Session& session, const TraceOutcome& outcome, const TraceRequest& request,
                const std::string& slug) {
  return graph_json(
      outcome.graph,
      {.slug = slug,
       .scan = outcome.dictionary.scan(),
       .prompt = outcome.prompt,
       .prompt_tokens = outcome.token_texts,
       .prune = {.node_threshold = request.node_threshold,
                 .edge_threshold = request.edge_threshold},
       .unselected = request.as_reference ? Unselected::Dropped : Unselected::Folded,
       .error_ids = request.as_reference ? ErrorIds::AsReference : ErrorIds::Distinct,
       .info = Json::object(
           {{"generator", Json::object({{"name", "cajal"}, {"version", version_text()}})}}),
       .generation_settings = Json::object({{"max_n_logits", std::uint64_t{request.max_logits}},
                                            {"desired_logit_prob", request.logit_probability}}),
       .provenance = provenance_json(session, outcome)});
}

void save_raw_graph(const Session& session, const TraceOutcome& outcome,
                    const std::filesystem::path& path) {
  Json about = provenance_json(session, outcome);
  about.set("prompt", outcome.prompt);
  write_raw_graph(path, outcome.graph, about);
}

std::string slug_of(const std::string& file) {
  std::string out = std::filesystem::path(file).stem().string();
  for (char& c : out) {
    const bool fits = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '-' || c == '_';
    c = fits ? c : '-';
  }
  return out.empty() ? "graph" : out;
}

std::string node_text(const TraceOutcome& outcome, std::size_t node) {
  const AttributionGraph& graph = outcome.graph;
  const Place place = place_of(graph, node);
  if (node < graph.counts.features) {
    return fmt::format("{}:{}", *place.layer, graph.feature(node).feature);
  }
  return place.layer ? fmt::format("error of layer {}", *place.layer) : "token";
}

Json to_json(const TraceOutcome& outcome) {
  const AttributionGraph& graph = outcome.graph;
  Json targets(Json::Array{});
  for (const GraphTarget& target : graph.targets) {
    const bool token = target.token < graph.vocab;
    targets.push_back(Json::object({{"id", token ? Json(std::uint64_t{target.token}) : Json()},
                                    {"label", target.label},
                                    {"position", std::uint64_t{target.position}},
                                    {"weight", target.weight}}));
  }
  Json top(Json::Array{});
  for (const TopNode& node : outcome.top) {
    const Place place = place_of(graph, node.node);
    const bool feature = node.node < graph.counts.features;
    top.push_back(Json::object(
        {{"kind", kind_of(outcome, node.node)},
         {"layer", place.layer ? Json(std::uint64_t{*place.layer}) : Json()},
         {"feature", feature ? Json(std::uint64_t{graph.feature(node.node).feature}) : Json()},
         {"position", std::uint64_t{place.position}},
         {"activation",
          feature ? Json(static_cast<double>(graph.feature(node.node).activation)) : Json()},
         {"influence", node.share}}));
  }
  return Json::object({{"ids", Json::array_of(graph.tokens)},
                       {"targets", std::move(targets)},
                       {"active_features", std::uint64_t{graph.active.size()}},
                       {"selected_features", std::uint64_t{graph.selected.size()}},
                       {"unexpanded_influence", graph.unexpanded},
                       {"scores", score_json(outcome.scores)},
                       {"scores_without_unselected", score_json(outcome.without_unselected)},
                       {"largest_row_residual", graph.largest_residual},
                       {"top", std::move(top)}});
}

}  // namespace cajal
