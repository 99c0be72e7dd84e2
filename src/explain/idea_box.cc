#include "explain/idea_box.h"

#include <algorithm>
#include <map>
#include <numeric>

namespace cajal {
namespace {

/// Tokens by how much members raise or lower them, each member by its share and its own strongest
/// token.
class TokenVotes {
 public:
  void add(const std::vector<TokenEffect>& effects, double weight) {
    if (effects.empty() || effects.front().logit == 0.0F) {
      return;
    }
    for (const TokenEffect& effect : effects) {
      votes_[effect.token] += weight * static_cast<double>(effect.logit / effects.front().logit);
    }
  }
  std::vector<std::string> best(std::size_t most, const AtlasView& atlas) const {
    std::vector<std::pair<TokenId, double>> order(votes_.begin(), votes_.end());
    std::stable_sort(order.begin(), order.end(),
                     [](const auto& a, const auto& b) { return a.second > b.second; });
    order.resize(std::min(most, order.size()));
    std::vector<std::string> out;
    out.reserve(order.size());
    for (const auto& [token, vote] : order) {
      out.push_back(atlas.piece(token));
    }
    return out;
  }

 private:
  std::map<TokenId, double> votes_;
};

ChartMember member_of(const IdeaSources& sources, std::uint32_t node,
                      const std::optional<FeaturePage>& page) {
  const ActiveFeature& f = sources.graph.feature(node);
  ChartMember out = {.layer = f.layer,
                     .position = f.position,
                     .feature = f.feature,
                     .activation = static_cast<double>(f.activation),
                     .share = sources.flow.node_shares()[node],
                     .label_by = "none"};
  if (page) {
    out.label = page->label.text;
    out.label_by = name_of(page->label.source);
    out.label_score = page->label.score;
  }
  return out;
}

void set_place(const AttributionGraph& graph, const FeatureGroup& group, ChartBox& box) {
  for (const std::uint32_t node : group.nodes) {
    box.positions.push_back(graph.feature(node).position);
  }
  std::sort(box.positions.begin(), box.positions.end());
  box.positions.erase(std::unique(box.positions.begin(), box.positions.end()), box.positions.end());
  box.first_layer = graph.feature(group.nodes.front()).layer;
  box.last_layer = graph.feature(group.nodes.back()).layer;
}

}  // namespace

ChartBox idea_box(const IdeaSources& sources, const FeatureGroup& group, std::string id,
                  const BoxLimits& limits) {
  ChartBox box = {.id = std::move(id),
                  .kind = BoxKind::Idea,
                  .label = group.label,
                  .apart = group.apart,
                  .named_by = group.named_by,
                  .confidence = group.confidence};
  set_place(sources.graph, group, box);
  box.share = sources.flow.share(group.nodes);
  box.effect = sources.flow.effect(group.nodes);
  std::vector<std::uint32_t> order = group.nodes;
  std::stable_sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
    return sources.flow.node_shares()[a] > sources.flow.node_shares()[b];
  });
  TokenVotes promoted;
  TokenVotes suppressed;
  for (const std::uint32_t node : order) {
    const auto page = sources.page(node);
    if (box.members.size() < limits.members) {
      box.members.push_back(member_of(sources, node, page));
    }
    if (!page) {
      continue;
    }
    promoted.add(page->promoted, sources.flow.node_shares()[node]);
    suppressed.add(page->suppressed, sources.flow.node_shares()[node]);
    if (box.examples.size() < limits.examples && !page->top.empty()) {
      box.examples.push_back(sources.atlas.example(page->top.front()));
    }
  }
  box.promotes = promoted.best(limits.tokens, sources.atlas);
  box.suppresses = suppressed.best(limits.tokens, sources.atlas);
  return box;
}

}  // namespace cajal
