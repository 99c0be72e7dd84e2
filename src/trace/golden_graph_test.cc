// Influence, masks and scores of every golden graph, from its stored adjacency.
#include <algorithm>

#include <gtest/gtest.h>

#include "testing/golden.h"
#include "trace/golden_case_test.h"
#include "trace/influence.h"
#include "trace/prune.h"

namespace cajal {
namespace {

using testing::CircuitCase;
using testing::largest_difference;

class GoldenGraph : public ::testing::Test {
 protected:
  template <typename Body>
  void each(const Body& body) {
    testing::each_circuit_folder([&](const std::filesystem::path& folder) {
      const CircuitCase golden(folder);
      for (const std::string which : {"full", "half"}) {
        SCOPED_TRACE(which);
        body(golden, which);
      }
    });
  }
};

TEST_F(GoldenGraph, InfluenceIsWithinTolerance) {
  each([](const CircuitCase& golden, const std::string& which) {
    const auto rows = golden.rows(which);
    const auto got = influence(rows.graph(), golden.numbers(which + "/logit_probabilities")).nodes;
    const std::string name = which + "/node_influence";
    EXPECT_LE(largest_difference(got, golden.numbers(name)), golden.tolerance(name));
  });
}

TEST_F(GoldenGraph, ScoresAreThePackages) {
  each([](const CircuitCase& golden, const std::string& which) {
    const auto rows = golden.rows(which);
    const GraphScores scores =
        graph_scores(rows.graph(), golden.numbers(which + "/logit_probabilities"));
    // The stored adjacency is rounded to f32, the scores are not.
    EXPECT_NEAR(scores.replacement.value(), golden.number({which + "/scores", "replacement"}),
                1e-6);
    EXPECT_NEAR(scores.completeness.value(), golden.number({which + "/scores", "completeness"}),
                1e-6);
  });
}

std::vector<double> mask_of(std::span<const std::uint8_t> kept) {
  return {kept.begin(), kept.end()};
}

TEST_F(GoldenGraph, MasksAreExactAndSharesWithinTolerance) {
  each([](const CircuitCase& golden, const std::string& which) {
    const auto rows = golden.rows(which);
    const auto weights = golden.numbers(which + "/logit_probabilities");
    for (std::size_t i = 0; golden.has(which + "/prune_" + std::to_string(i) + "/node_mask"); ++i) {
      const std::string name = which + "/prune_" + std::to_string(i);
      SCOPED_TRACE(name);
      const PrunedGraph got = prune(rows.graph(), weights,
                                    {.node_threshold = golden.number({name, "node_threshold"}),
                                     .edge_threshold = golden.number({name, "edge_threshold"})});
      EXPECT_EQ(mask_of(got.kept), golden.numbers(name + "/node_mask"));
      const std::size_t n = rows.counts.nodes();
      std::vector<double> edges(n * n, 0.0);
      for (const GraphEdge& edge : got.edges) {
        edges[edge.target * n + edge.source] = 1.0;
      }
      EXPECT_EQ(edges, golden.numbers(name + "/edge_mask"));
      const std::string shares = name + "/cumulative_scores";
      EXPECT_LE(largest_difference(cumulative_shares(influence(rows.graph(), weights).nodes),
                                   golden.numbers(shares)),
                golden.tolerance(shares));
    }
  });
}

TEST_F(GoldenGraph, EdgeScoresAfterNodePruningAreWithinTolerance) {
  each([](const CircuitCase& golden, const std::string& which) {
    const std::string name = which + "/edge_influence_of_node_pruned_0.8";
    if (!golden.has(name)) {
      return;
    }
    const auto rows = golden.rows(which);
    const auto weights = golden.numbers(which + "/logit_probabilities");
    const std::vector<double> flow = influence(rows.graph(), weights).nodes;
    std::vector<double> values = flow;
    const double cut = share_threshold(values, 0.8);
    std::vector<std::uint8_t> kept;
    for (std::size_t node = 0; node < flow.size(); ++node) {
      kept.push_back(node >= rows.counts.embedding(0) || flow[node] >= cut ? 1 : 0);
    }
    const std::vector<double> factors = edge_factors(rows.graph(), weights, kept);
    const std::vector<std::uint32_t> nodes = row_nodes(rows.counts);
    const std::size_t n = rows.counts.nodes();
    std::vector<double> got(n * n, 0.0);
    for (std::size_t r = 0; r < nodes.size(); ++r) {
      for (std::size_t s = 0; s < rows.counts.sources(); ++s) {
        if (kept[nodes[r]] != 0 && kept[s] != 0) {
          got[nodes[r] * n + s] = std::abs(element(rows.values.ref(), r, s)) * factors[r];
        }
      }
    }
    EXPECT_LE(largest_difference(got, golden.numbers(name)), golden.tolerance(name));
  });
}

}  // namespace
}  // namespace cajal
