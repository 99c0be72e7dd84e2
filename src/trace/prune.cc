#include "trace/prune.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>

#include "base/error.h"
#include "trace/influence.h"

namespace cajal {
namespace {

void check_share(std::string_view name, double share) {
  check(share >= 0.0 && share <= 1.0, "the {} threshold is {}; expected 0 to 1", name, share);
}

/// The value from which on is kept; 0 keeps all.
double cut_of(std::vector<double> values, double share, Unimportant unimportant) {
  const double cut = share_threshold(values, share);
  const bool open = share >= 1.0 || cut == std::numeric_limits<double>::infinity();
  return open && unimportant == Unimportant::Kept ? 0.0 : cut;
}

/// Calls take(row, source, |A|) for edges between kept nodes that are not 0.
template <typename T, typename Take>
void for_each_edge(const GraphRows& graph, std::span<const std::uint8_t> kept, const Take& take) {
  const NodeCounts& counts = graph.counts;
  const std::vector<std::uint32_t> nodes = row_nodes(counts);
  const auto values = graph.values.as<const T>();
  for (std::size_t row = 0; row < nodes.size(); ++row) {
    if (kept[nodes[row]] == 0) {
      continue;
    }
    for (std::size_t s = 0; s < counts.sources(); ++s) {
      if (kept[s] != 0 && values.at(row, s) != T{0}) {
        take(row, s, std::abs(static_cast<double>(values.at(row, s))));
      }
    }
  }
}

template <typename Take>
void for_each_edge(const GraphRows& graph, std::span<const std::uint8_t> kept, const Take& take) {
  if (graph.values.dtype == DType::F64) {
    for_each_edge<double>(graph, kept, take);
  } else {
    for_each_edge<float>(graph, kept, take);
  }
}

/// Edges whose score is at least the threshold's.
void keep_edges(const GraphRows& graph, std::span<const double> weights,
                const PruneOptions& options, PrunedGraph& out) {
  const std::vector<double> factors = edge_factors(graph, weights, out.kept);
  std::vector<double> scores;
  for_each_edge(graph, out.kept, [&](std::size_t row, std::size_t, double a) {
    scores.push_back(a * factors[row]);
  });
  const double cut = cut_of(std::move(scores), options.edge_threshold, options.edges);
  out.zero_edges = cut == 0.0;
  const std::vector<std::uint8_t> all(graph.counts.nodes(), 1);
  const std::vector<std::uint32_t> nodes = row_nodes(graph.counts);
  for_each_edge(graph, out.zero_edges ? all : out.kept,
                [&](std::size_t row, std::size_t source, double a) {
                  if (a * factors[row] >= cut) {
                    out.edges.push_back({nodes[row], static_cast<std::uint32_t>(source)});
                  }
                });
}

/// Drops nodes that lost their edges until none does.
void drop_dead_ends(const NodeCounts& counts, PrunedGraph& out) {
  while (!out.zero_edges) {
    std::vector<bool> has_in(counts.nodes(), false);
    std::vector<bool> has_out(counts.nodes(), false);
    for (const GraphEdge& edge : out.edges) {
      has_in[edge.target] = true;
      has_out[edge.source] = true;
    }
    bool changed = false;
    for (std::size_t node = 0; node < counts.embedding(0); ++node) {
      const bool lives = has_out[node] && (node >= counts.features || has_in[node]);
      changed = changed || (out.kept[node] != 0 && !lives);
      out.kept[node] = out.kept[node] != 0 && lives ? 1 : 0;
    }
    if (!changed) {
      return;
    }
    std::erase_if(out.edges, [&](const GraphEdge& edge) {
      return out.kept[edge.target] == 0 || out.kept[edge.source] == 0;
    });
  }
}

}  // namespace

double share_threshold(std::vector<double>& values, double share) {
  std::erase(values, 0.0);
  if (values.empty()) {
    return std::numeric_limits<double>::infinity();
  }
  if (share >= 1.0) {
    return *std::min_element(values.begin(), values.end());
  }
  // Halves the range in which the value lies: everything before `begin` is larger, its sum known.
  const double wanted = share * std::accumulate(values.begin(), values.end(), 0.0);
  auto begin = values.begin();
  auto end = values.end();
  double before = 0.0;
  while (end - begin > 1) {
    const auto middle = begin + (end - begin) / 2;
    std::nth_element(begin, middle, end, std::greater<>());
    const double upper = std::accumulate(begin, middle, 0.0);
    if (before + upper >= wanted) {
      end = middle;
    } else {
      before += upper;
      begin = middle;
    }
  }
  return *begin;
}

std::vector<double> edge_factors(const GraphRows& graph, std::span<const double> weights,
                                 std::span<const std::uint8_t> kept) {
  const Influence flow = influence(graph, weights, kept);
  std::vector<double> out(flow.row_sums.size());
  for (std::size_t row = 0; row < out.size(); ++row) {
    const double reaches =
        row < graph.counts.features ? flow.nodes[row] : weights[row - graph.counts.features];
    out[row] = reaches / std::max(flow.row_sums[row], kSmallestRowSum);
  }
  return out;
}

std::vector<double> cumulative_shares(std::span<const double> influence) {
  std::vector<std::size_t> order(influence.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](auto a, auto b) { return influence[a] > influence[b]; });
  const double all = std::accumulate(influence.begin(), influence.end(), 0.0);
  std::vector<double> out(influence.size(), 1.0);
  double sum = 0.0;
  for (const std::size_t node : order) {
    sum += influence[node];
    out[node] = all > 0.0 ? sum / all : 1.0;
  }
  return out;
}

PrunedGraph prune(const GraphRows& graph, std::span<const double> weights,
                  const PruneOptions& options) {
  check_share("node", options.node_threshold);
  check_share("edge", options.edge_threshold);
  const NodeCounts& counts = graph.counts;
  const Influence flow = influence(graph, weights);
  const double cut = cut_of(flow.nodes, options.node_threshold, options.nodes);
  PrunedGraph out;
  for (std::size_t node = 0; node < counts.nodes(); ++node) {
    out.kept.push_back(node >= counts.embedding(0) || flow.nodes[node] >= cut ? 1 : 0);
  }
  keep_edges(graph, weights, options, out);
  drop_dead_ends(counts, out);
  return out;
}

}  // namespace cajal
