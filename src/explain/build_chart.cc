#include "explain/build_chart.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "explain/idea_box.h"
#include "explain/idea_name.h"
#include "explain/routes.h"

namespace cajal {
namespace {

constexpr double kSmallWord = 0.01;  // of the answer, from which a word gets a box
constexpr std::size_t kNoBox = SIZE_MAX;

class Builder {
 public:
  Builder(const IdeaSources& sources, const ChartAnswer& answer, const ChartOptions& options)
      : sources_(sources), answer_(answer), options_(options) {}

  ChartParts build() {
    find_groups();
    add_words();
    add_ideas();
    add_ends();
    add_edges();
    add_routes();
    add_scores();
    return std::move(parts_);
  }

 private:
  const GraphFlow& flow() const { return sources_.flow; }
  const AttributionGraph& graph() const { return sources_.graph; }

  void find_groups() {
    parts_.ideas = with_supernodes(find_ideas(sources_, options_.ideas), graph(),
                                   options_.supernodes, options_.ideas.cluster.most);
    std::stable_sort(parts_.ideas.begin(), parts_.ideas.end(),
                     [&](const FeatureGroup& a, const FeatureGroup& b) {
                       return mean_place(a) < mean_place(b);
                     });
  }

  /// By layer, then position, of its influence.
  std::pair<double, double> mean_place(const FeatureGroup& group) const {
    std::pair<double, double> out;
    double all = std::numeric_limits<double>::min();
    for (const std::uint32_t node : group.nodes) {
      const double share = flow().node_shares()[node];
      out.first += share * graph().feature(node).layer;
      out.second += share * graph().feature(node).position;
      all += share;
    }
    return {out.first / all, out.second / all};
  }

  ChartBox& add_box(ChartBox box, std::vector<std::uint32_t> nodes) {
    parts_.nodes[box.id] = std::move(nodes);
    return parts_.chart.boxes.emplace_back(std::move(box));
  }

  void add_words() {
    for (std::size_t p = 0; p < answer_.tokens.size(); ++p) {
      parts_.chart.tokens.push_back(
          {answer_.tokens[p], flow().node_shares()[flow().counts().embedding(p)]});
    }
    for (const PromptWord& word : sources_.words) {
      std::vector<std::uint32_t> nodes;
      ChartBox box = {.id = fmt::format("w{}", word.first),
                      .kind = BoxKind::Word,
                      .label = word.text,
                      .named_by = "a word of the prompt",
                      .confidence = 1.0};
      for (std::uint32_t p = word.first; p <= word.last; ++p) {
        nodes.push_back(static_cast<std::uint32_t>(flow().counts().embedding(p)));
        box.positions.push_back(p);
        box.share += parts_.chart.tokens[p].share;
      }
      if (box.share >= kSmallWord) {
        box.effect = flow().effect(nodes);
        add_box(std::move(box), std::move(nodes));
      }
    }
  }

  void add_ideas() {
    for (std::size_t i = 0; i < parts_.ideas.size(); ++i) {
      add_box(idea_box(sources_, parts_.ideas[i], fmt::format("i{}", i),
                       {options_.members, options_.tokens, options_.examples}),
              parts_.ideas[i].nodes);
    }
  }

  void add_ends() {
    const NodeCounts& counts = flow().counts();
    std::vector<std::uint32_t> targets;
    ChartBox answer = {.id = "answer",
                       .kind = BoxKind::Answer,
                       .label = answer_.text,
                       .named_by = "what the model goes on with",
                       .confidence = 1.0,
                       .share = 1.0};
    for (std::size_t i = 0; i < counts.targets; ++i) {
      targets.push_back(static_cast<std::uint32_t>(counts.target(i)));
      answer.positions.push_back(graph().targets[i].position);
    }
    std::sort(answer.positions.begin(), answer.positions.end());
    answer.positions.erase(std::unique(answer.positions.begin(), answer.positions.end()),
                           answer.positions.end());
    add_box(std::move(answer), std::move(targets));
    std::vector<std::uint32_t> errors;
    for (std::size_t s = counts.error(0, 0); s < counts.embedding(0); ++s) {
      errors.push_back(static_cast<std::uint32_t>(s));
    }
    ChartBox rest = {.id = "unexplained",
                     .kind = BoxKind::Unexplained,
                     .label = "not explained",
                     .named_by = "what the dictionary's features do not account for",
                     .share = flow().unexplained(),
                     .effect = flow().effect(errors)};
    rest.last_layer = static_cast<std::uint32_t>(counts.layers == 0 ? 0 : counts.layers - 1);
    add_box(std::move(rest), std::move(errors));
  }

  /// [boxes, boxes] by source, then target: the flow along direct edges, where a path counts as
  /// often as it crosses. Never less than the edge's share.
  std::vector<double> crossings() const {
    const NodeCounts& counts = flow().counts();
    const std::size_t boxes = parts_.chart.boxes.size();
    std::vector<std::size_t> box_of(counts.nodes(), kNoBox);
    for (std::size_t b = 0; b < boxes; ++b) {
      for (const std::uint32_t node : parts_.nodes.at(parts_.chart.boxes[b].id)) {
        box_of[node] = b;
      }
    }
    std::vector<double> out(boxes * boxes, 0.0);
    for (const std::uint32_t node : row_nodes(counts)) {
      if (box_of[node] == kNoBox) {
        continue;
      }
      const std::vector<double> sent = flow().sent_on(node);
      for (std::size_t s = 0; s < sent.size(); ++s) {
        if (box_of[s] != kNoBox && box_of[s] != box_of[node]) {
          out[box_of[s] * boxes + box_of[node]] += sent[s];
        }
      }
    }
    return out;
  }

  void add_edges() {
    const std::vector<double> flows = crossings();
    const std::vector<ChartBox>& boxes = parts_.chart.boxes;
    const std::size_t n = boxes.size();
    for (const std::size_t i : shown_edges(flows, n)) {
      add_edge(boxes[i / n].id, boxes[i % n].id);
    }
    std::stable_sort(parts_.chart.edges.begin(), parts_.chart.edges.end(),
                     [](const ChartEdge& a, const ChartEdge& b) { return a.share > b.share; });
  }

  /// Strong ones, and of every idea the strongest that comes in and the strongest that goes on. Of
  /// two ideas that feed each other only the stronger way is shown.
  std::vector<std::size_t> shown_edges(const std::vector<double>& flows, std::size_t boxes) const {
    std::vector<std::size_t> out;  // strongest first
    for (std::size_t i = 0; i < flows.size(); ++i) {
      if (flows[i] > 0.0 && flows[i] >= flows[i % boxes * boxes + i / boxes]) {
        out.push_back(i);
      }
    }
    std::stable_sort(out.begin(), out.end(),
                     [&](std::size_t a, std::size_t b) { return flows[a] > flows[b]; });
    std::vector<std::uint8_t> has_in(boxes, 0);
    std::vector<std::uint8_t> has_out(boxes, 0);
    std::vector<std::size_t> shown;
    std::size_t strong = 0;
    for (const std::size_t i : out) {
      const std::size_t from = i / boxes;
      const std::size_t to = i % boxes;
      const bool is_strong = flows[i] >= options_.least_edge && strong < options_.edges;
      const bool first_in = is_idea(to) && std::exchange(has_in[to], 1) == 0;
      const bool first_out = is_idea(from) && std::exchange(has_out[from], 1) == 0;
      strong += is_strong ? 1U : 0U;
      if (is_strong || first_in || first_out) {
        shown.push_back(i);
      }
    }
    return shown;
  }

  bool is_idea(std::size_t box) const { return parts_.chart.boxes[box].kind == BoxKind::Idea; }

  void add_edge(const std::string& source, const std::string& target) {
    const std::vector<std::uint32_t>& from = parts_.nodes.at(source);
    const std::vector<std::uint32_t>& to = parts_.nodes.at(target);
    ChartEdge edge = {.source = source, .target = target};
    edge.share = flow().edge_share(from, to);
    edge.effect = flow().edge_effect(from, to).effect;
    parts_.chart.edges.push_back(std::move(edge));
  }

  void add_routes() {
    std::vector<NodeSet> sets;
    sets.reserve(parts_.ideas.size());
    for (const FeatureGroup& group : parts_.ideas) {
      sets.emplace_back(group.nodes);
    }
    // One more: what passes by all ideas is no route to show, but is said.
    for (const Route& route : strongest_routes(flow(), sets, options_.routes + 1)) {
      if (route.boxes.empty()) {
        parts_.chart.notes.push_back(fmt::format(
            "{:.0f} % of the answer comes from words by ways that pass none of the ideas",
            100.0 * route.share));
      } else if (parts_.chart.routes.size() < options_.routes) {
        add_route(route);
      }
    }
  }

  void add_route(const Route& route) {
    ChartRoute& out = parts_.chart.routes.emplace_back();
    out.share = route.share;
    out.effect = route.effect;
    out.boxes = main_words(route);
    for (const std::size_t i : route.boxes) {
      out.boxes.push_back(fmt::format("i{}", i));
    }
    out.boxes.emplace_back("answer");
  }

  /// Ids of words with a box that most of the route starts at, three at most, by position.
  std::vector<std::string> main_words(const Route& route) const {
    constexpr std::size_t kMost = 3;
    constexpr double kPart = 0.15;
    std::vector<std::pair<double, std::string>> shares;
    for (const ChartBox& box : parts_.chart.boxes) {
      double share = 0.0;
      for (const std::uint32_t p : box.positions) {
        share += box.kind == BoxKind::Word ? route.words[p] : 0.0;
      }
      if (share >= kPart * route.share) {
        shares.emplace_back(share, box.id);
      }
    }
    std::stable_sort(shares.begin(), shares.end(),
                     [](const auto& a, const auto& b) { return a.first > b.first; });
    shares.resize(std::min(kMost, shares.size()));
    std::vector<std::string> out;
    for (const ChartBox& box : parts_.chart.boxes) {
      if (std::any_of(shares.begin(), shares.end(),
                      [&](const auto& share) { return share.second == box.id; })) {
        out.push_back(box.id);
      }
    }
    return out;
  }

  void add_scores() {
    Chart& chart = parts_.chart;
    chart.title = answer_.why_not.empty()
                      ? fmt::format("Why did the model answer {}?", in_quotes(answer_.text))
                      : fmt::format("Why did the model answer {} and not {}?",
                                    in_quotes(answer_.text), in_quotes(answer_.why_not));
    chart.prompt = answer_.prompt;
    chart.answer = answer_.text;
    chart.answer_probability = answer_.probability;
    chart.why_not = answer_.why_not;
    chart.alternatives = answer_.alternatives;
    chart.unexplained = flow().unexplained();
    chart.replacement = 1.0 - chart.unexplained;
    chart.completeness = flow().completeness();
    chart.largest_residual = graph().largest_residual;
    const std::vector<std::uint32_t> kept = kept_features(graph(), flow(), options_.ideas.kept);
    chart.ideas_hold = share_held(flow(), kept, parts_.ideas);
    if (chart.ideas_hold < options_.ideas.cluster.hold) {
      chart.notes.push_back(
          fmt::format("the ideas hold {:.0f} % of the influence of the features that matter; the "
                      "rest is spread over too many to draw",
                      100.0 * chart.ideas_hold));
    }
    if (!sources_.atlas) {
      chart.notes.emplace_back("without an atlas ideas are named by where they stand");
    }
  }

  const IdeaSources& sources_;
  const ChartAnswer& answer_;
  const ChartOptions& options_;
  ChartParts parts_;
};

/// The same atlas, each page read once.
AtlasView remembering(const AtlasView& atlas) {
  if (!atlas) {
    return atlas;
  }
  AtlasView out = atlas;
  auto pages = std::make_shared<std::map<FeatureId, std::optional<FeaturePage>>>();
  out.page = [pages, read = atlas.page](FeatureId id) {
    const auto [at, is_new] = pages->try_emplace(id);
    if (is_new) {
      at->second = read(id);
    }
    return at->second;
  };
  return out;
}

}  // namespace

ChartParts build_chart(const AttributionGraph& graph, const GraphFlow& flow,
                       const Dictionary* dictionary, const ChartAnswer& answer,
                       const AtlasView& atlas, const ChartOptions& options) {
  check(answer.tokens.size() == graph.counts.positions, "there are {} tokens for {} positions",
        answer.tokens.size(), graph.counts.positions);
  const std::vector<PromptWord> words = words_of(answer.tokens);
  const IdeaSources sources = {.graph = graph,
                               .flow = flow,
                               .dictionary = dictionary,
                               .tokens = answer.tokens,
                               .words = words,
                               .answer = answer.text,
                               .atlas = remembering(atlas)};
  return Builder(sources, answer, options).build();
}

}  // namespace cajal
