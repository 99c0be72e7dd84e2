#include "explain/flow.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numeric>
#include <utility>

#include "base/error.h"
#include "trace/influence.h"

namespace cajal {
namespace {

std::vector<double> activations_of(const AttributionGraph& graph) {
  std::vector<double> out;
  out.reserve(graph.counts.features);
  for (std::size_t node = 0; node < graph.counts.features; ++node) {
    out.push_back(static_cast<double>(graph.feature(node).activation));
  }
  return out;
}

std::vector<double> shares_of_one(std::vector<double> weights) {
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  check(sum > 0.0, "no target has a weight: there is nothing to follow back");
  for (double& weight : weights) {
    weight /= sum;
  }
  return weights;
}

bool holds(NodeSet set, std::uint32_t node) {
  return std::binary_search(set.begin(), set.end(), node);
}

bool has_row(const NodeCounts& counts, std::uint32_t node) {
  return node < counts.features || node >= counts.sources();
}

/// Calls visit(row) with the elements as they are stored.
template <typename Visit>
void with_row(ConstMatRef rows, std::size_t row, const Visit& visit) {
  if (rows.dtype == DType::F64) {
    visit(rows.as<const double>().row(row));
  } else {
    visit(rows.as<const float>().row(row));
  }
}

/// Calls visit(begin, end) for the columns that a node's row may depend on: earlier features,
/// errors, embeddings.
template <typename Visit>
void for_each_source(const NodeCounts& counts, std::size_t node, const Visit& visit) {
  visit(std::size_t{0}, std::min(node, counts.features));
  visit(counts.features, counts.sources());
}

double sum_of(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

}  // namespace

/// Edges that pass nothing on, and what would have gone there.
struct GraphFlow::Cut {
  NodeSet sources;
  NodeSet targets;
  std::vector<double> passed;  // [sources]
  std::vector<double> gains;   // [targets] what one unit of A into it is worth
};

GraphFlow::GraphFlow(const AttributionGraph& graph)
    : GraphFlow(graph.counts, graph.folded_rows(), graph.weights(), activations_of(graph)) {}

GraphFlow::GraphFlow(const NodeCounts& counts, Matrix rows, std::vector<double> weights,
                     std::vector<double> activations)
    : counts_(counts),
      rows_(std::move(rows)),
      activations_(std::move(activations)),
      row_sums_(influence({counts_, rows_.ref()}, weights).row_sums) {
  weights_ = shares_of_one(std::move(weights));
  check(activations_.size() == counts_.features, "there are {} activations for {} features",
        activations_.size(), counts_.features);
  const auto zero = std::find(activations_.begin(), activations_.end(), 0.0);
  check(zero == activations_.end(), "feature node {} of the graph does not fire",
        zero - activations_.begin());
  find_arrivals();
  shares_ = descend(Kind::Flow, {});
  for (std::size_t node = 0; node < shares_.size(); ++node) {
    shares_[node] *= arrival_[node];
  }
  effects_ = descend(Kind::Effect, {});
  std::fill(effects_.begin() + static_cast<std::ptrdiff_t>(counts_.sources()), effects_.end(), 0.0);
}

/// What does not arrive comes to a feature whose row is all zero.
void GraphFlow::find_arrivals() {
  arrival_.assign(counts_.nodes(), 1.0);
  for (const std::uint32_t node : row_nodes(counts_)) {
    arrival_[node] = take_in(node, Kind::Flow, arrival_);
  }
  for (std::size_t i = 0; i < counts_.targets; ++i) {
    total_ += weights_[i] * arrival_[counts_.target(i)];
  }
  check(total_ > 0.0, "nothing that the targets depend on is in the graph");
}

double GraphFlow::edge(std::size_t target, std::size_t source) const {
  return element(rows_.ref(), row_of(counts_, target), source);
}

/// What a unit that comes to a node becomes before it meets A.
double GraphFlow::factor(std::size_t node, Kind kind) const {
  if (kind == Kind::Flow) {
    return 1.0 / std::max(row_sums_[row_of(counts_, node)], kSmallestRowSum);
  }
  return node < counts_.features ? 1.0 / activations_[node] : 1.0;
}

void GraphFlow::pass_on(std::size_t node, Kind kind, std::span<double> amounts) const {
  const double amount = amounts[node] * factor(node, kind);
  with_row(rows_.ref(), row_of(counts_, node), [&](auto row) {
    for_each_source(counts_, node, [&](std::size_t begin, std::size_t end) {
      if (kind == Kind::Flow) {
        for (std::size_t s = begin; s < end; ++s) {
          amounts[s] += amount * std::abs(static_cast<double>(row[s]));
        }
      } else {
        for (std::size_t s = begin; s < end; ++s) {
          amounts[s] += amount * static_cast<double>(row[s]);
        }
      }
    });
  });
}

void GraphFlow::pass_on_cut(std::size_t node, Kind kind, std::span<double> amounts,
                            Cut& cut) const {
  const auto reached = std::lower_bound(cut.targets.begin(), cut.targets.end(), node);
  if (reached == cut.targets.end() || *reached != node) {
    pass_on(node, kind, amounts);
    return;
  }
  std::vector<double> before;
  for (const std::uint32_t s : cut.sources) {
    before.push_back(std::exchange(amounts[s], 0.0));
  }
  pass_on(node, kind, amounts);
  for (std::size_t i = 0; i < before.size(); ++i) {
    cut.passed[i] += std::exchange(amounts[cut.sources[i]], before[i]);
  }
  cut.gains[static_cast<std::size_t>(reached - cut.targets.begin())] =
      amounts[node] * factor(node, kind);
}

double GraphFlow::take_in(std::size_t node, Kind kind, std::span<const double> values) const {
  double sum = 0.0;
  with_row(rows_.ref(), row_of(counts_, node), [&](auto row) {
    for_each_source(counts_, node, [&](std::size_t begin, std::size_t end) {
      for (std::size_t s = begin; s < end; ++s) {
        const auto a = static_cast<double>(row[s]);
        sum += (kind == Kind::Flow ? std::abs(a) : a) * values[s];
      }
    });
  });
  return sum * factor(node, kind);
}

std::vector<double> GraphFlow::start(Kind kind) const {
  std::vector<double> out(counts_.nodes(), 0.0);
  for (std::size_t i = 0; i < counts_.targets; ++i) {
    out[counts_.target(i)] = weights_[i] / (kind == Kind::Flow ? total_ : 1.0);
  }
  return out;
}

std::vector<double> GraphFlow::descend(Kind kind, std::vector<double> amounts,
                                       std::span<const std::uint8_t> stops, Cut* cut) const {
  const std::vector<std::uint32_t> nodes = row_nodes(counts_);
  for (auto node = nodes.rbegin(); node != nodes.rend(); ++node) {
    if (amounts[*node] == 0.0 || stops[*node] != 0) {
      continue;
    }
    if (cut == nullptr) {
      pass_on(*node, kind, amounts);
    } else {
      pass_on_cut(*node, kind, amounts, *cut);
    }
  }
  return amounts;
}

std::vector<double> GraphFlow::descend(Kind kind, NodeSet absorbing, Cut* cut) const {
  std::vector<std::uint8_t> stops(counts_.nodes(), 0);
  for (const std::uint32_t node : absorbing) {
    stops[node] = 1;
  }
  return descend(kind, start(kind), stops, cut);
}

void GraphFlow::check_set(NodeSet set) const {
  for (std::size_t i = 0; i < set.size(); ++i) {
    check(set[i] < counts_.nodes(), "there is no node {}: the graph has {}", set[i],
          counts_.nodes());
    check(i == 0 || set[i - 1] < set[i], "a set of nodes is not ascending: {} comes before {}",
          i == 0 ? 0 : set[i - 1], set[i]);
  }
}

void GraphFlow::check_edge(NodeSet sources, NodeSet targets) const {
  check_set(sources);
  check_set(targets);
  for (const std::uint32_t node : targets) {
    check(!holds(sources, node), "node {} is at both ends of an edge", node);
    check(has_row(counts_, node), "node {} is an error or an embedding: nothing leads to it", node);
  }
}

std::vector<double> GraphFlow::member_shares(NodeSet set) const {
  check_set(set);
  const std::vector<double> amounts = descend(Kind::Flow, set);
  std::vector<double> out;
  for (const std::uint32_t node : set) {
    out.push_back(amounts[node] * arrival_[node]);
  }
  return out;
}

double GraphFlow::share(NodeSet set) const {
  return sum_of(member_shares(set));
}

GraphFlow::Cut GraphFlow::cut_between(NodeSet sources, NodeSet targets, Kind kind) const {
  check_edge(sources, targets);
  Cut out = {sources, targets, std::vector<double>(sources.size()),
             std::vector<double>(targets.size())};
  descend(kind, {}, &out);
  return out;
}

double GraphFlow::edge_share(NodeSet sources, NodeSet targets) const {
  const Cut cut = cut_between(sources, targets, Kind::Flow);
  double out = 0.0;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    out += cut.passed[i] * arrival_[sources[i]];
  }
  return out;
}

std::vector<double> GraphFlow::shares_from(std::uint32_t source) const {
  check_set(NodeSet(&source, 1));
  std::vector<double> out(counts_.nodes(), 0.0);
  out[source] = 1.0;
  for (const std::uint32_t node : row_nodes(counts_)) {
    out[node] = node == source ? 1.0 : take_in(node, Kind::Flow, out);
  }
  return out;
}

std::vector<double> GraphFlow::sent_on(std::uint32_t node) const {
  check(has_row(counts_, node), "node {} has no row", node);
  std::vector<double> out(counts_.nodes(), 0.0);
  // Shares are of what arrives; what comes to the node is more where some of it does not.
  out[node] = arrival_[node] == 0.0 ? 0.0 : shares_[node] / arrival_[node];
  pass_on(node, Kind::Flow, out);
  out.resize(counts_.sources());
  for (std::size_t s = 0; s < out.size(); ++s) {
    out[s] *= s == node ? 0.0 : arrival_[s];
  }
  return out;
}

double GraphFlow::completeness() const {
  return graph_scores({counts_, rows_.ref()}, weights_).completeness.value_or(0.0);
}

double GraphFlow::unexplained() const {
  return sum_of(std::span(shares_).subspan(counts_.features, counts_.layers * counts_.positions));
}

std::vector<double> GraphFlow::member_effects(NodeSet set) const {
  check_set(set);
  const std::vector<double> amounts = descend(Kind::Effect, set);
  std::vector<double> out;
  for (const std::uint32_t node : set) {
    check(node < counts_.sources(), "node {} is a target: it cannot be switched off", node);
    out.push_back(amounts[node]);
  }
  return out;
}

double GraphFlow::effect(NodeSet set) const {
  return sum_of(member_effects(set));
}

EdgeEffect GraphFlow::edge_effect(NodeSet sources, NodeSet targets) const {
  Cut cut = cut_between(sources, targets, Kind::Effect);
  return {sum_of(cut.passed), std::move(cut.gains)};
}

std::vector<double> GraphFlow::responses(NodeSet off) const {
  check_set(off);
  std::vector<double> out(counts_.nodes(), 0.0);
  for (const std::uint32_t node : off) {
    check(node < counts_.sources(), "node {} is a target: it cannot be switched off", node);
    out[node] = -1.0;
  }
  for (const std::uint32_t node : row_nodes(counts_)) {
    out[node] = holds(off, node) ? -1.0 : take_in(node, Kind::Effect, out);
  }
  return out;
}

EdgeEffect GraphFlow::effect_through(NodeSet sources, NodeSet targets) const {
  check_edge(sources, targets);
  std::vector<std::uint32_t> either;  // what is off passes nothing on
  std::merge(sources.begin(), sources.end(), targets.begin(), targets.end(),
             std::back_inserter(either));
  const std::vector<double> amounts = descend(Kind::Effect, either);
  const std::vector<double> changes = responses(sources);
  EdgeEffect out;
  for (const std::uint32_t node : targets) {
    out.effect -= amounts[node] * changes[node];
    out.gains.push_back(amounts[node] * factor(node, Kind::Effect));
  }
  return out;
}

}  // namespace cajal
