// Claims and heads of a chart.
#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

#include "base/error.h"
#include "explain/claims.h"
#include "trace/heads.h"

namespace cajal {
namespace {

using Place = std::tuple<std::uint32_t, std::uint32_t, std::uint32_t>;

Place place_of(const ActiveFeature& f) {
  return {f.layer, f.position, f.feature};
}

const std::vector<std::uint32_t>& nodes_of(const BoxNodes& nodes, const std::string& box) {
  const auto at = nodes.find(box);
  check(at != nodes.end(), "nothing is known of what the box '{}' stands for", box);
  return at->second;
}

bool can_be_off(const ChartBox& box) {
  return box.kind == BoxKind::Idea || box.kind == BoxKind::Word;
}

/// The claims of a chart, and which boxes and edges they are of.
struct ChartClaims {
  Claims claims;
  std::map<std::string, std::size_t> groups;  // by id of a box
  std::vector<std::size_t> edges;             // of the chart
};

ChartClaims claims_of(const Chart& chart, const BoxNodes& nodes) {
  ChartClaims out;
  for (const ChartBox& box : chart.boxes) {
    if (can_be_off(box)) {
      out.groups[box.id] = out.claims.groups.size();
      out.claims.groups.push_back(nodes_of(nodes, box.id));
    }
  }
  for (std::size_t e = 0; e < chart.edges.size(); ++e) {
    const auto source = out.groups.find(chart.edges[e].source);
    const ChartBox* target = chart.box(chart.edges[e].target);
    if (source != out.groups.end() && target != nullptr && target->kind == BoxKind::Idea) {
      out.claims.edges.push_back({source->second, out.groups.at(target->id)});
      out.edges.push_back(e);
    }
  }
  return out;
}

void count(const TriedClaim& claim, Chart& chart) {
  ++chart.claims_tried;
  chart.claims_held += claim.held() ? std::size_t{1} : 0;
}

/// Each claim once: an edge to the answer is the claim of its box, which words have only there.
void count_claims(Chart& chart) {
  chart.claims_tried = 0;
  chart.claims_held = 0;
  for (const ChartBox& box : chart.boxes) {
    if (box.kind == BoxKind::Idea && box.claim) {
      count(*box.claim, chart);
    }
  }
  for (const ChartEdge& edge : chart.edges) {
    const ChartBox* source = chart.box(edge.source);
    const ChartBox* target = chart.box(edge.target);
    if (edge.claim && (target->kind == BoxKind::Idea || source->kind == BoxKind::Word)) {
      count(*edge.claim, chart);
    }
  }
}

/// Features as the replacement numbers them.
std::map<Place, std::uint32_t> replacement_features(const LocalReplacement& replacement) {
  std::map<Place, std::uint32_t> out;
  const std::span<const ActiveFeature> all = replacement.features();
  for (std::size_t i = 0; i < all.size(); ++i) {
    out[place_of(all[i])] = static_cast<std::uint32_t>(i);
  }
  return out;
}

/// Sources, targets and edges of a chart for split_by_heads(), each node once.
class HeadPlan {
 public:
  HeadPlan(const ClaimGround& ground, const BoxNodes& nodes, const Chart& chart)
      : ground_(ground), nodes_(nodes), features_(replacement_features(ground.replacement)) {
    for (std::size_t e = 0; e < chart.edges.size(); ++e) {
      const ChartBox* source = chart.box(chart.edges[e].source);
      const ChartBox* target = chart.box(chart.edges[e].target);
      const bool reached =
          target != nullptr && (target->kind == BoxKind::Idea || target->kind == BoxKind::Answer);
      if (source != nullptr && can_be_off(*source) && reached) {
        add(*source, *target);
        chart_edges.push_back(e);
      }
    }
  }

  std::vector<HeadSource> sources;
  std::vector<RowTarget> targets;
  std::vector<HeadEdge> edges;
  std::vector<std::size_t> chart_edges;  // [edges]

 private:
  std::size_t source_of(const ChartBox& box) {
    const auto [at, is_new] = sources_.try_emplace(box.id, sources.size());
    if (is_new) {
      HeadSource& source = sources.emplace_back();
      for (const std::uint32_t node : nodes_of(nodes_, box.id)) {
        const NodeCounts& counts = ground_.flow.counts();
        if (node < counts.features) {
          source.features.push_back(feature_of(node));
        } else {
          source.positions.push_back(node - static_cast<std::uint32_t>(counts.embedding(0)));
        }
      }
    }
    return at->second;
  }
  std::uint32_t feature_of(std::uint32_t node) const {
    const ActiveFeature& f = ground_.features[node];
    const auto at = features_.find(place_of(f));
    check(at != features_.end(), "feature {}:{} of the graph does not fire at {}", f.layer,
          f.feature, f.position);
    return at->second;
  }
  std::size_t target_of(std::uint32_t node) {
    const auto [at, is_new] = targets_.try_emplace(node, targets.size());
    if (is_new) {
      targets.push_back(node < ground_.flow.counts().features
                            ? ground_.replacement.feature_target(feature_of(node))
                            : ground_.value);
    }
    return at->second;
  }
  void add(const ChartBox& source, const ChartBox& target) {
    HeadEdge edge = {.source = source_of(source), .targets = {}};
    if (target.kind == BoxKind::Answer) {
      edge.targets.push_back(
          {target_of(static_cast<std::uint32_t>(ground_.flow.counts().target(0))), 1.0});
    } else {
      const std::vector<std::uint32_t>& to = nodes_of(nodes_, target.id);
      const EdgeEffect effect = ground_.flow.edge_effect(nodes_of(nodes_, source.id), to);
      for (std::size_t i = 0; i < to.size(); ++i) {
        edge.targets.push_back({target_of(to[i]), effect.gains[i]});
      }
    }
    edges.push_back(std::move(edge));
  }

  const ClaimGround& ground_;
  const BoxNodes& nodes_;
  std::map<Place, std::uint32_t> features_;
  std::map<std::string, std::size_t> sources_;
  std::map<std::uint32_t, std::size_t> targets_;
};

void show_heads(HeadSplit split, std::size_t most, ChartEdge& edge) {
  std::stable_sort(split.parts.begin(), split.parts.end(), [](const auto& a, const auto& b) {
    return std::abs(a.effect) > std::abs(b.effect);
  });
  edge.heads.clear();
  edge.other_heads = 0.0;
  edge.bypass = split.bypass;
  for (const HeadPart& part : split.parts) {
    if (edge.heads.size() < most) {
      edge.heads.push_back({part.layer, part.head, part.to, part.from, part.effect});
    } else {
      edge.other_heads += part.effect;
    }
  }
}

}  // namespace

void try_claims(const ClaimGround& ground, const BoxNodes& nodes, const ClaimOptions& options,
                Chart& chart) {
  const ChartClaims plan = claims_of(chart, nodes);
  const ClaimTests tests = test_claims(ground, plan.claims, options);
  for (ChartBox& box : chart.boxes) {
    if (can_be_off(box)) {
      box.claim = tests.groups[plan.groups.at(box.id)].claim;
    }
  }
  for (ChartEdge& edge : chart.edges) {
    const ChartBox* target = chart.box(edge.target);
    const auto source = plan.groups.find(edge.source);
    if (target != nullptr && target->kind == BoxKind::Answer && source != plan.groups.end()) {
      edge.claim = tests.groups[source->second].claim;
    }
  }
  for (std::size_t i = 0; i < plan.edges.size(); ++i) {
    chart.edges[plan.edges[i]].claim = tests.edges[i].claim;
  }
  count_claims(chart);
}

void find_heads(const ClaimGround& ground, const BoxNodes& nodes, std::size_t most, Chart& chart) {
  const HeadPlan plan(ground, nodes, chart);
  std::vector<HeadSplit> splits =
      split_by_heads(ground.backend, ground.replacement, plan.sources, plan.targets, plan.edges);
  for (std::size_t i = 0; i < splits.size(); ++i) {
    show_heads(std::move(splits[i]), most, chart.edges[plan.chart_edges[i]]);
  }
}

}  // namespace cajal
