// Shares and effects against every path of small random graphs, one by one, in double.
#include "explain/flow.h"

#include <cmath>
#include <functional>

#include <gmock/gmock.h>

#include "base/random.h"
#include "trace/influence.h"

namespace cajal {
namespace {

using Path = std::vector<std::uint32_t>;  // from a target down to an embedding or an error
using Set = std::vector<std::uint32_t>;

constexpr double kFlowError = 1e-13;  // some thousand paths of flows that add up to 1

/// A graph of 7 features in 2 layers at 3 positions, with 2 targets; some entries are 0.
struct RandomGraph {
  explicit RandomGraph(std::uint64_t seed) {
    const std::vector<std::uint32_t> nodes = row_nodes(counts);
    rows = Matrix::host(nodes.size(), counts.sources(), DType::F64);
    for (std::size_t r = 0; r < nodes.size(); ++r) {
      for (std::size_t s = 0; s < counts.sources(); ++s) {
        const double x = 2.0 * random_uniform(seed, r, s) - 1.0;
        const bool later = s < counts.features && s >= nodes[r];
        rows.as<double>().at(r, s) = later || std::abs(x) < 0.3 ? 0.0 : x;
      }
    }
    for (std::size_t f = 0; f < counts.features; ++f) {
      activations.push_back(0.5 + random_uniform(seed, 100, f));
    }
  }
  GraphFlow flow() const {
    Matrix copy = Matrix::host(rows.rows(), rows.cols(), DType::F64);
    convert(rows.ref(), copy.ref());
    return {counts, std::move(copy), weights, activations};
  }
  double edge(std::uint32_t t, std::uint32_t s) const {
    return rows.as<const double>().at(row_of(counts, t), s);
  }
  bool has_row(std::uint32_t node) const {
    return node < counts.features || node >= counts.sources();
  }

  NodeCounts counts = {7, 2, 3, 2};
  std::vector<double> weights = {0.6, 0.2};
  std::vector<double> activations;
  Matrix rows;
};

/// Calls visit(path) for every path from a target to wherever it ends or, with `prefixes`, to every
/// node on the way.
void for_each_path(const RandomGraph& graph, bool prefixes,
                   const std::function<void(const Path&)>& visit) {
  Path path;
  const std::function<void(std::uint32_t)> step = [&](std::uint32_t node) {
    path.push_back(node);
    if (prefixes || !graph.has_row(node)) {
      visit(path);
    }
    for (std::uint32_t s = 0; graph.has_row(node) && s < graph.counts.sources(); ++s) {
      if (graph.edge(node, s) != 0.0) {
        step(s);
      }
    }
    path.pop_back();
  };
  for (std::uint32_t i = 0; i < graph.counts.targets; ++i) {
    step(static_cast<std::uint32_t>(graph.counts.target(i)));
  }
}

double weight_of(const RandomGraph& graph, const Path& path) {
  return graph.weights[path.front() - graph.counts.sources()] /
         (graph.weights[0] + graph.weights[1]);
}

double flow_of(const RandomGraph& graph, const Path& path) {
  double out = weight_of(graph, path);
  for (std::size_t i = 0; i + 1 < path.size(); ++i) {
    double sum = 0.0;
    for (std::uint32_t s = 0; s < graph.counts.sources(); ++s) {
      sum += std::abs(graph.edge(path[i], s));
    }
    out *= std::abs(graph.edge(path[i], path[i + 1])) / sum;
  }
  return out;
}

/// What the target loses along the path if its last node is off.
double effect_of(const RandomGraph& graph, const Path& path) {
  double out = weight_of(graph, path);
  for (std::size_t i = 0; i + 1 < path.size(); ++i) {
    out *= graph.edge(path[i], path[i + 1]) / (i == 0 ? 1.0 : graph.activations[path[i]]);
  }
  return out;
}

bool holds(const Set& set, std::uint32_t node) {
  return std::find(set.begin(), set.end(), node) != set.end();
}

std::size_t count_in(const Path& path, std::size_t begin, std::size_t end, const Set& set) {
  std::size_t out = 0;
  for (std::size_t i = begin; i < end; ++i) {
    out += holds(set, path[i]) ? 1U : 0U;
  }
  return out;
}

std::size_t crossings(const Path& path, const Set& sources, const Set& targets) {
  std::size_t out = 0;
  for (std::size_t i = 0; i + 1 < path.size(); ++i) {
    out += holds(targets, path[i]) && holds(sources, path[i + 1]) ? 1U : 0U;
  }
  return out;
}

const std::vector<Set> kSets = {{0},    {2, 3},     {0, 1, 2, 3, 4, 5, 6}, {1, 4, 6},
                                {8, 3}, {1, 5, 14}, {13, 14, 15},          {}};

std::vector<Set> sets() {
  std::vector<Set> out = kSets;
  for (Set& set : out) {
    std::sort(set.begin(), set.end());
  }
  return out;
}

bool meet(const Set& a, const Set& b) {
  return std::any_of(a.begin(), a.end(), [&](std::uint32_t node) { return holds(b, node); });
}

class Flow : public ::testing::TestWithParam<std::uint64_t> {
 protected:
  RandomGraph graph_{GetParam()};
};

TEST_P(Flow, TheShareOfASetCountsEachPathThroughItOnce) {
  const GraphFlow flow = graph_.flow();
  for (const Set& set : sets()) {
    double want = 0.0;
    for_each_path(graph_, false, [&](const Path& path) {
      want += count_in(path, 0, path.size(), set) != 0 ? flow_of(graph_, path) : 0.0;
    });
    EXPECT_NEAR(flow.share(set), want, kFlowError);
  }
}

TEST_P(Flow, TheShareOfAnEdgeCountsEachPathAlongItOnce) {
  const GraphFlow flow = graph_.flow();
  const auto end = static_cast<std::uint32_t>(graph_.counts.sources());
  const Set answer = {end, end + 1};
  for (const Set& sources : sets()) {
    for (const Set& targets : {Set{5, 6}, Set{2, 4, 6}, Set{6}, answer}) {
      if (meet(sources, targets)) {
        continue;
      }
      double want = 0.0;
      for_each_path(graph_, false, [&](const Path& path) {
        want += crossings(path, sources, targets) != 0 ? flow_of(graph_, path) : 0.0;
      });
      EXPECT_NEAR(flow.edge_share(sources, targets), want, kFlowError);
    }
  }
}

TEST_P(Flow, WordsAndWhatIsNotExplainedAreAll) {
  const GraphFlow flow = graph_.flow();
  double words = 0.0;
  for (std::size_t p = 0; p < graph_.counts.positions; ++p) {
    words += flow.node_shares()[graph_.counts.embedding(p)];
  }
  EXPECT_NEAR(words + flow.unexplained(), 1.0, kFlowError);
  const GraphScores scores = graph_scores({graph_.counts, graph_.rows.ref()}, graph_.weights);
  EXPECT_NEAR(flow.unexplained(), 1.0 - scores.replacement.value(), kFlowError);
}

TEST_P(Flow, TheEffectOfASetIsThatOfPathsWhoseOnlyMemberIsTheLast) {
  const GraphFlow flow = graph_.flow();
  for (const Set& set : sets()) {
    double want = 0.0;
    for_each_path(graph_, true, [&](const Path& path) {
      const bool one =
          path.size() > 1 && holds(set, path.back()) && count_in(path, 0, path.size(), set) == 1;
      want += one ? effect_of(graph_, path) : 0.0;
    });
    EXPECT_NEAR(flow.effect(set), want, kFlowError * std::max(1.0, std::abs(want)));
  }
}

TEST_P(Flow, ResponsesLeadToTheSameEffect) {
  const GraphFlow flow = graph_.flow();
  for (const Set& set : sets()) {
    const std::vector<double> changes = flow.responses(set);
    double lost = 0.0;
    for (std::size_t i = 0; i < 2; ++i) {
      lost -= graph_.weights[i] / 0.8 * changes[graph_.counts.target(i)];
    }
    EXPECT_NEAR(lost, flow.effect(set), kFlowError * std::max(1.0, std::abs(lost)));
  }
}

/// Paths that go on from an edge to whatever the source stands for at its activation.
TEST_P(Flow, TheEffectOfAnEdgeIsThatOfPathsThatEndAlongItAndTakeItOnce) {
  const GraphFlow flow = graph_.flow();
  for (const Set& sources : sets()) {
    for (const Set& targets : {Set{5, 6}, Set{2, 4, 6}, Set{6}}) {
      if (meet(sources, targets)) {
        continue;
      }
      double want = 0.0;
      for_each_path(graph_, true, [&](const Path& path) {
        const bool last =
            path.size() > 1 && holds(sources, path.back()) && holds(targets, path[path.size() - 2]);
        want += last && crossings(path, sources, targets) == 1 ? effect_of(graph_, path) : 0.0;
      });
      const EdgeEffect got = flow.edge_effect(sources, targets);
      EXPECT_NEAR(got.effect, want, kFlowError * std::max(1.0, std::abs(want)));
      double by_gains = 0.0;
      for (std::size_t i = 0; i < targets.size(); ++i) {
        for (const std::uint32_t s : sources) {
          by_gains += got.gains[i] * (s < targets[i] || s >= 7 ? flow.edge(targets[i], s) : 0.0);
        }
      }
      EXPECT_NEAR(by_gains, want, kFlowError * std::max(1.0, std::abs(want)));
    }
  }
}

TEST_P(Flow, TheEffectThroughASetIsThatOfPathsThatComeThroughIt) {
  const GraphFlow flow = graph_.flow();
  const Set sources = {0, 2};
  for (const Set& targets : {Set{5, 6}, Set{3}, Set{1, 4, 6}}) {
    double want = 0.0;
    for_each_path(graph_, true, [&](const Path& path) {
      // The source set's members are off, so that nothing passes through them.
      const bool ends = path.size() > 1 && holds(sources, path.back()) &&
                        count_in(path, 0, path.size(), sources) == 1;
      want += ends && count_in(path, 0, path.size(), targets) != 0 ? effect_of(graph_, path) : 0.0;
    });
    const EdgeEffect got = flow.effect_through(sources, targets);
    EXPECT_NEAR(got.effect, want, kFlowError * std::max(1.0, std::abs(want)));
    const std::vector<double> changes = flow.responses(sources);
    double read = 0.0;
    for (std::size_t i = 0; i < targets.size(); ++i) {
      read -= got.gains[i] * changes[targets[i]] * graph_.activations[targets[i]];
    }
    EXPECT_NEAR(read, want, kFlowError * std::max(1.0, std::abs(want)));
  }
  const auto end = static_cast<std::uint32_t>(graph_.counts.sources());
  EXPECT_NEAR(flow.effect_through(sources, Set{end, end + 1}).effect, flow.effect(sources),
              kFlowError);
}

INSTANTIATE_TEST_SUITE_P(Seeds, Flow, ::testing::Values(1, 2, 3, 4, 5));

TEST(GraphFlow, WhatEndsAtAFeatureWithoutSourcesIsLeftOut) {
  const NodeCounts counts = {2, 1, 1, 1};
  Matrix rows = Matrix::host(3, counts.sources(), DType::F64);
  auto a = rows.as<double>();
  std::fill_n(a.data, 3 * counts.sources(), 0.0);
  a.at(1, counts.embedding(0)) = 2.0;  // feature 0 depends on nothing
  a.at(2, 0) = 5.0;
  a.at(2, 1) = -3.0;
  const GraphFlow flow(counts, std::move(rows), {0.5}, {1.0, 1.0});
  EXPECT_DOUBLE_EQ(flow.node_shares()[counts.embedding(0)], 1.0);
  EXPECT_DOUBLE_EQ(flow.node_shares()[0], 0.0);
  EXPECT_DOUBLE_EQ(flow.effect(Set{0}), 5.0);
}

TEST(GraphFlow, ASetMustBeAscending) {
  const GraphFlow flow = RandomGraph(1).flow();
  EXPECT_THAT([&] { flow.share(Set{3, 2}); },
              ::testing::ThrowsMessage<Error>(::testing::HasSubstr("3 comes before 2")));
  EXPECT_THAT([&] { flow.share(Set{99}); },
              ::testing::ThrowsMessage<Error>(::testing::HasSubstr("there is no node 99")));
}

}  // namespace
}  // namespace cajal
