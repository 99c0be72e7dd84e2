#include "trace/influence.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "base/parallel.h"

namespace cajal {
namespace {

constexpr std::size_t kGrain = 65536;  // elements, below which a thread is not worth waking

/// Rows of some nodes and the sums of their absolute values between kept nodes.
class Rows {
 public:
  Rows(const KnownRows& rows, std::span<const std::uint8_t> kept, double smallest_sum)
      : counts_(rows.counts), rows_(rows), kept_(kept), smallest_sum_(smallest_sum) {
    check_rows(rows);
    sums_.resize(rows.nodes.size());
    if (rows.values.dtype == DType::F64) {
      add_up(rows.values.as<const double>());
    } else {
      add_up(rows.values.as<const float>());
    }
  }

  /// Adds to `flow` [nodes], from the last node down, what each passes on.
  void sweep(std::span<double> flow) const {
    std::vector<std::uint32_t> order(rows_.nodes.size());
    std::iota(order.begin(), order.end(), 0U);
    std::sort(order.begin(), order.end(),
              [&](auto a, auto b) { return rows_.nodes[a] > rows_.nodes[b]; });
    for (const std::uint32_t row : order) {
      const double share = flow[rows_.nodes[row]] / std::max(sums_[row], smallest_sum_);
      if (share == 0.0 || !keeps(rows_.nodes[row])) {
        continue;
      }
      if (rows_.values.dtype == DType::F64) {
        pass_on(rows_.values.as<const double>().row(row), share, flow);
      } else {
        pass_on(rows_.values.as<const float>().row(row), share, flow);
      }
    }
  }

  std::vector<double> take_sums() { return std::move(sums_); }

 private:
  bool keeps(std::size_t node) const { return kept_.empty() || kept_[node] != 0; }

  template <typename T>
  void add_up(MatrixView<const T> values) {
    std::atomic<std::size_t> broken{SIZE_MAX};
    const std::size_t grain = 1 + kGrain / (counts_.sources() + 1);
    parallel_for(values.rows, grain, [&](std::size_t begin, std::size_t end) {
      for (std::size_t r = begin; r < end; ++r) {
        sums_[r] = keeps(rows_.nodes[r]) ? row_sum(values.row(r)) : 0.0;
        if (!std::isfinite(sums_[r]) || later_source(values.row(r), rows_.nodes[r]) != SIZE_MAX) {
          broken = r;
        }
      }
    });
    if (broken != SIZE_MAX) {
      report(broken, later_source(values.row(broken), rows_.nodes[broken]));
    }
  }
  template <typename T>
  double row_sum(std::span<const T> row) const {
    double sum = 0.0;
    for (std::size_t s = 0; s < counts_.sources(); ++s) {
      sum += keeps(s) ? std::abs(static_cast<double>(row[s])) : 0.0;
    }
    return sum;
  }
  /// A feature at or after the row's own that the row depends on; SIZE_MAX: none.
  template <typename T>
  std::size_t later_source(std::span<const T> row, std::size_t node) const {
    for (std::size_t s = node; s < counts_.features; ++s) {
      if (row[s] != T{0}) {
        return s;
      }
    }
    return SIZE_MAX;
  }
  [[noreturn]] void report(std::size_t row, std::size_t later) const {
    if (later != SIZE_MAX) {
      fail(ErrorCode::CorruptData, "the graph has a cycle: feature node {} depends on node {}",
           rows_.nodes[row], later);
    }
    fail(ErrorCode::CorruptData, "the graph has an edge to node {} that is not finite",
         rows_.nodes[row]);
  }
  template <typename T>
  void pass_on(std::span<const T> row, double share, std::span<double> flow) const {
    parallel_for(counts_.sources(), kGrain, [&](std::size_t begin, std::size_t end) {
      for (std::size_t s = begin; s < end; ++s) {
        flow[s] += keeps(s) ? share * std::abs(static_cast<double>(row[s])) : 0.0;
      }
    });
  }

  NodeCounts counts_;
  KnownRows rows_;
  std::span<const std::uint8_t> kept_;
  double smallest_sum_;
  std::vector<double> sums_;
};

void check_weights(const NodeCounts& counts, std::span<const double> weights) {
  check(weights.size() == counts.targets, "there are {} weights for {} targets", weights.size(),
        counts.targets);
  for (const double weight : weights) {
    check(std::isfinite(weight) && weight >= 0.0, "a target's weight is {}; expected 0 or more",
          weight);
  }
}

/// Influence on all nodes, from the weights alone at first.
std::vector<double> swept(const Rows& rows, const NodeCounts& counts,
                          std::span<const double> weights) {
  std::vector<double> flow(counts.nodes(), 0.0);
  const auto targets = flow.begin() + static_cast<std::ptrdiff_t>(counts.sources());
  std::copy(weights.begin(), weights.end(), targets);
  rows.sweep(flow);
  std::fill(targets, flow.end(), 0.0);
  return flow;
}

double sum_of(std::span<const double> values, std::size_t begin, std::size_t end) {
  double sum = 0.0;
  for (std::size_t i = begin; i < end; ++i) {
    sum += values[i];
  }
  return sum;
}

template <typename T>
double error_sum(std::span<const T> row, const NodeCounts& counts) {
  double sum = 0.0;
  for (std::size_t s = counts.features; s < counts.embedding(0); ++s) {
    sum += std::abs(static_cast<double>(row[s]));
  }
  return sum;
}

}  // namespace

Influence influence(const GraphRows& graph, std::span<const double> weights,
                    std::span<const std::uint8_t> kept) {
  check_rows(graph);
  check_weights(graph.counts, weights);
  check(kept.empty() || kept.size() == graph.counts.nodes(), "a mask of {} nodes for a graph of {}",
        kept.size(), graph.counts.nodes());
  const std::vector<std::uint32_t> nodes = row_nodes(graph.counts);
  Rows rows({graph.counts, graph.values, nodes}, kept, kSmallestRowSum);
  std::vector<double> flow = swept(rows, graph.counts, weights);
  return {std::move(flow), rows.take_sums()};
}

std::vector<double> partial_influence(const KnownRows& rows, std::span<const double> weights) {
  check_weights(rows.counts, weights);
  return swept(Rows(rows, {}, kSmallestPartialRowSum), rows.counts, weights);
}

double unexpanded_share(const KnownRows& rows, std::span<const double> influence) {
  const NodeCounts& counts = rows.counts;
  std::vector<bool> expanded(counts.features, false);
  for (const std::uint32_t node : rows.nodes) {
    if (node < counts.features) {
      expanded[node] = true;
    }
  }
  double open = 0.0;
  for (std::size_t f = 0; f < counts.features; ++f) {
    open += expanded[f] ? 0.0 : influence[f];
  }
  const double all = open + sum_of(influence, counts.features, counts.sources());
  return all == 0.0 ? 0.0 : open / all;
}

GraphScores graph_scores(const GraphRows& graph, std::span<const double> weights) {
  const NodeCounts& counts = graph.counts;
  const Influence flow = influence(graph, weights);
  const double errors = sum_of(flow.nodes, counts.features, counts.embedding(0));
  const double embeddings = sum_of(flow.nodes, counts.embedding(0), counts.sources());
  double explained = errors + embeddings;  // they have no row that could come from errors
  double all = explained;
  for (std::size_t row = 0; row < flow.row_sums.size(); ++row) {
    const double reaches = row < counts.features ? flow.nodes[row] : weights[row - counts.features];
    const double from_errors = graph.values.dtype == DType::F64
                                   ? error_sum(graph.values.as<const double>().row(row), counts)
                                   : error_sum(graph.values.as<const float>().row(row), counts);
    explained += reaches * (1.0 - from_errors / std::max(flow.row_sums[row], kSmallestRowSum));
    all += reaches;
  }
  GraphScores scores;
  if (errors + embeddings > 0.0) {
    scores.replacement = embeddings / (errors + embeddings);
  }
  if (all > 0.0) {
    scores.completeness = explained / all;
  }
  return scores;
}

}  // namespace cajal
