// golden/circuits/micro.json: graphs small enough to check by hand.
#include <algorithm>

#include <gmock/gmock.h>

#include "testing/golden.h"
#include "trace/golden_case_test.h"
#include "trace/influence.h"
#include "trace/prune.h"

namespace cajal {
namespace {

constexpr double kTolerance = 1e-13;  // the file has 15 digits; sums of some 50 numbers below 3

std::vector<double> list(const Json& json) {
  std::vector<double> out;
  for (const Json& x : json.as_array("micro.json")) {
    out.push_back(x.is_null() ? std::numeric_limits<double>::quiet_NaN() : x.as_double("x"));
  }
  return out;
}

std::vector<std::size_t> index_list(const Json& json) {
  std::vector<std::size_t> out;
  for (const double x : list(json)) {
    out.push_back(static_cast<std::size_t>(x));
  }
  return out;
}

/// One graph of the file.
struct Micro {
  explicit Micro(const Json& json) : notes(json) {
    const auto count = [&](const char* name) {
      return static_cast<std::size_t>(json.at(name, "micro.json").as_int(name));
    };
    weights = list(json.at("logit_probabilities", "micro.json"));
    const NodeCounts counts = {count("n_features"), count("n_layers"), count("n_pos"),
                               weights.size()};
    Matrix square = Matrix::host(counts.nodes(), counts.nodes(), DType::F64);
    std::fill_n(square.as<double>().data, counts.nodes() * counts.nodes(), 0.0);
    for (const Json& edge : json.at("edges", "micro.json").as_array("edges")) {
      const std::vector<double> e = list(edge);
      edges.push_back({static_cast<std::uint32_t>(e[0]), static_cast<std::uint32_t>(e[1])});
      square.as<double>().at(edges.back().target, edges.back().source) = e[2];
      values.push_back(e[2]);
    }
    rows = testing::rows_of_square(counts, square.ref());
  }
  GraphRows graph() const { return rows.graph(); }
  const Json& at(const char* name) const { return notes.at(name, "micro.json"); }

  const Json& notes;
  std::vector<double> weights;
  std::vector<GraphEdge> edges;
  std::vector<double> values;
  testing::OwnedRows rows;
};

class MicroGraphs : public ::testing::Test {
 protected:
  template <typename Body>
  void each(const Body& body) {
    std::filesystem::path file = testing::golden_core("circuits") / "micro.json";
    if (!testing::shared_folder().empty()) {
      file = testing::shared_folder() / "golden" / "circuits" / "micro.json";
    }
    if (!testing::have_or_skip(std::filesystem::exists(file), "golden", "there is no micro.json")) {
      return;
    }
    const Json json = Json::load(file);
    for (const Json& graph : json.at("graphs", "micro.json").as_array("graphs")) {
      SCOPED_TRACE(graph.at("name", "micro.json").as_string("name"));
      body(Micro(graph));
    }
  }
};

TEST_F(MicroGraphs, InfluenceIsExact) {
  each([](const Micro& g) {
    const auto flow = influence(g.graph(), g.weights).nodes;
    EXPECT_LE(testing::largest_difference(flow, list(g.at("node_influence"))), kTolerance);
  });
}

TEST_F(MicroGraphs, ScoresAreExact) {
  each([](const Micro& g) {
    const GraphScores scores = graph_scores(g.graph(), g.weights);
    const Json& replacement = g.at("replacement_score");
    ASSERT_EQ(scores.replacement.has_value(), !replacement.is_null());
    if (scores.replacement) {
      EXPECT_NEAR(*scores.replacement, replacement.as_double(""), kTolerance);
    }
    ASSERT_TRUE(scores.completeness.has_value());
    EXPECT_NEAR(*scores.completeness, g.at("completeness_score").as_double(""), kTolerance);
  });
}

/// As a set where shares are tied, since the order of equal influences is not specified.
TEST_F(MicroGraphs, CumulativeSharesAreExact) {
  each([](const Micro& g) {
    if (g.at("replacement_score").is_null()) {
      return;
    }
    std::vector<double> got = cumulative_shares(influence(g.graph(), g.weights).nodes);
    std::vector<double> want = list(g.at("cumulative_scores"));
    if (g.at("tied_influences").as_bool("")) {
      std::sort(got.begin(), got.end());
      std::sort(want.begin(), want.end());
    }
    EXPECT_LE(testing::largest_difference(got, want), kTolerance);
  });
}

TEST_F(MicroGraphs, EdgeScoresAfterNodePruningAreExact) {
  each([](const Micro& g) {
    const std::vector<double> want = list(g.at("edge_scores_after_node_pruning_0.8"));
    if (g.at("replacement_score").is_null()) {
      return;  // nothing to be pruned by
    }
    std::vector<double> flow = influence(g.graph(), g.weights).nodes;
    std::vector<std::uint8_t> kept;
    const double cut = [&] {
      std::vector<double> values = flow;
      return share_threshold(values, 0.8);
    }();
    for (std::size_t node = 0; node < flow.size(); ++node) {
      kept.push_back(node >= g.rows.counts.embedding(0) || flow[node] >= cut ? 1 : 0);
    }
    const std::vector<double> factors = edge_factors(g.graph(), g.weights, kept);
    std::vector<double> got;
    for (std::size_t e = 0; e < g.edges.size(); ++e) {
      const bool both = kept[g.edges[e].target] != 0 && kept[g.edges[e].source] != 0;
      got.push_back(both ? std::abs(g.values[e]) * factors[row_of(g.rows.counts, g.edges[e].target)]
                         : 0.0);
    }
    EXPECT_LE(testing::largest_difference(got, want), kTolerance);
  });
}

void expect_pruned(const Micro& g, const Json& want) {
  const double nodes = want.at("node_threshold", "").as_double("");
  const double edges = want.at("edge_threshold", "").as_double("");
  SCOPED_TRACE(::testing::Message() << nodes << " " << edges);
  const std::vector<std::size_t> kept_nodes = index_list(want.at("kept_nodes", ""));
  const bool zeros = want.at("zero_weight_entries_also_kept", "").as_int("") != 0;
  const bool all = kept_nodes.size() == g.rows.counts.nodes();
  PruneOptions options = {.node_threshold = nodes, .edge_threshold = edges};
  options.nodes = all ? Unimportant::Kept : Unimportant::Dropped;
  options.edges = zeros ? Unimportant::Kept : Unimportant::Dropped;
  const PrunedGraph got = prune(g.graph(), g.weights, options);
  std::vector<std::size_t> got_nodes;
  for (std::size_t node = 0; node < got.kept.size(); ++node) {
    if (got.kept[node] != 0) {
      got_nodes.push_back(node);
    }
  }
  EXPECT_EQ(got_nodes, kept_nodes);
  EXPECT_EQ(got.zero_edges, zeros);
  std::vector<GraphEdge> want_edges;
  for (const std::size_t e : index_list(want.at("kept_edges", ""))) {
    want_edges.push_back(g.edges[e]);
  }
  std::sort(want_edges.begin(), want_edges.end());
  EXPECT_EQ(got.edges, want_edges);
}

/// With zeros kept where rounding made the package keep them, in double or in float.
TEST_F(MicroGraphs, MasksAreExact) {
  each([](const Micro& g) {
    for (const char* name : {"prunes", "float32_prunes"}) {
      const Json* prunes = g.notes.find_value(name);
      if (prunes != nullptr) {
        for (const Json& want : prunes->as_array(name)) {
          expect_pruned(g, want);
        }
      }
    }
  });
}

TEST_F(MicroGraphs, PartialInfluenceIsExact) {
  each([](const Micro& g) {
    const Json* partial = g.notes.find_value("partial");
    if (partial == nullptr) {
      return;
    }
    std::vector<std::uint32_t> nodes;
    for (const std::size_t node : index_list(partial->at("rows", ""))) {
      nodes.push_back(static_cast<std::uint32_t>(node));
    }
    const NodeCounts& counts = g.rows.counts;
    Matrix values = Matrix::host(nodes.size(), counts.sources(), DType::F64);
    for (std::size_t r = 0; r < nodes.size(); ++r) {
      convert(g.rows.values.ref().row_range(row_of(counts, nodes[r]), 1),
              values.ref().row_range(r, 1));
    }
    const KnownRows rows = {counts, values.ref(), nodes};
    EXPECT_LE(testing::largest_difference(partial_influence(rows, g.weights),
                                          list(partial->at("influence", ""))),
              kTolerance);
  });
}

TEST(GraphRows, AFeatureThatDependsOnALaterOneIsACycle) {
  const NodeCounts counts = {2, 1, 1, 1};
  std::vector<double> values(3 * counts.sources(), 0.0);
  values[1] = 1.0;  // node 0 depends on node 1
  const ConstMatRef matrix = {reinterpret_cast<const std::byte*>(values.data()), 3,
                              counts.sources(), counts.sources(), DType::F64};
  EXPECT_THAT(
      [&] { influence({counts, matrix}, std::vector<double>{1.0}); },
      ::testing::ThrowsMessage<Error>(::testing::HasSubstr("feature node 0 depends on node 1")));
}

}  // namespace
}  // namespace cajal
