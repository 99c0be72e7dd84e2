// Whole traces of every golden circuit: targets, selection, partial influences, scores.
#include <gmock/gmock.h>

#include "testing/golden.h"
#include "trace/golden_run_test.h"
#include "trace/influence.h"
#include "trace/trace.h"

namespace cajal {
namespace {

using testing::CircuitRun;
using testing::largest_difference;

class GoldenTrace : public ::testing::TestWithParam<bool> {  // whether on `ref`
 protected:
  template <typename Body>
  void each(const Body& body) {
    testing::each_circuit(GetParam(), body);
  }
  static TraceOptions half(const CircuitRun& run) {
    const auto setting = [&](const char* name) {
      return static_cast<std::size_t>(run.golden.number({"half/settings", name}));
    };
    return {.max_features = setting("max_feature_nodes"),
            .batch = setting("batch_size"),
            .update_interval = setting("update_interval")};
  }
};

TEST_P(GoldenTrace, TheSameLogitsAreSalient) {
  each([](CircuitRun& run) {
    const auto targets = salient_logits(run.replacement, run.last());
    std::vector<TokenId> tokens;
    std::vector<double> chances;
    for (const TraceTarget& target : targets) {
      tokens.push_back(static_cast<TokenId>(target.node.token));
      chances.push_back(target.node.weight);
    }
    EXPECT_EQ(tokens, run.target_tokens());
    run.expect(chances, "full/logit_probabilities");
  });
}

TEST_P(GoldenTrace, GivenTokensHaveTheirProbabilities) {
  each([](CircuitRun& run) {
    std::vector<TokenId> tokens;
    for (const std::uint32_t token : run.golden.indices("targets_ids/token_ids")) {
      tokens.push_back(static_cast<TokenId>(token));
    }
    std::vector<double> chances;
    for (const TraceTarget& target : token_targets(run.replacement, tokens, run.last())) {
      chances.push_back(target.node.weight);
    }
    run.expect(chances, "targets_ids/probabilities");
  });
}

TEST_P(GoldenTrace, FeaturesAreChosenInTheSameOrder) {
  each([&](CircuitRun& run) {
    const auto targets = salient_logits(run.replacement, run.last());
    std::size_t step = 0;
    const auto watch = [&](const TraceStep& seen) {
      const std::string name = "half/partial/" + std::to_string(step++);
      if (!run.golden.has(name + "/influence")) {
        return;
      }
      run.expect({seen.influence.begin(), seen.influence.end()}, name + "/influence");
      const std::vector<std::uint32_t> nodes(seen.rows.nodes.begin(), seen.rows.nodes.end());
      EXPECT_EQ(nodes, run.golden.indices(name + "/row_to_node_index"));
    };
    const AttributionGraph graph = trace(run.backend, run.replacement, targets, half(run), watch);
    EXPECT_EQ(step,
              static_cast<std::size_t>(run.golden.number({"half/settings", "ranking_steps"})));
    EXPECT_EQ(graph.order, run.golden.indices("half/selection_order"));
    EXPECT_EQ(graph.selected, run.golden.indices("half/selected_features"));
    const auto want = run.golden.rows("half");
    const ConstMatRef got = graph.rows.ref().col_range(0, graph.counts.sources());
    EXPECT_LE(largest_difference(testing::elements(got), testing::elements(want.values.ref())),
              run.golden.tolerance("half/adjacency"));
  });
}

void expect_scores(const GraphScores& got, const CircuitRun& run, const std::string& name) {
  // Scores are in [0, 1] and no tolerance is given: that of 10 rounding errors of f32 rows.
  EXPECT_NEAR(got.replacement.value(), run.golden.number({name, "replacement"}), 1e-5) << name;
  EXPECT_NEAR(got.completeness.value(), run.golden.number({name, "completeness"}), 1e-5) << name;
}

TEST_P(GoldenTrace, BothScoresAreThePackages) {
  each([](CircuitRun& run) {
    const auto targets = salient_logits(run.replacement, run.last());
    const AttributionGraph graph = trace(run.backend, run.replacement, targets, half(run));
    expect_scores(graph_scores(graph.graph(), graph.weights()), run, "half/scores");
    const Matrix folded = graph.folded_rows();
    expect_scores(graph_scores({graph.counts, folded.ref()}, graph.weights()), run,
                  "half/scores_with_unselected_folded_into_errors");
    EXPECT_LE(graph.largest_residual, GetParam() ? 1e-6 : 1e-5);
  });
}

TEST_P(GoldenTrace, AllFeaturesAreTheFullGraph) {
  each([](CircuitRun& run) {
    const auto targets = salient_logits(run.replacement, run.last());
    const AttributionGraph graph = trace(run.backend, run.replacement, targets);
    EXPECT_EQ(graph.selected, run.golden.indices("full/selected_features"));
    expect_scores(graph_scores(graph.graph(), graph.weights()), run, "full/scores");
    EXPECT_EQ(graph.unexpanded, 0.0);
  });
}

/// Rows are added until little of the weight ends at features without one.
TEST_P(GoldenTrace, RowsStopWhenLittleIsUnexpanded) {
  each([](CircuitRun& run) {
    const auto targets = salient_logits(run.replacement, run.last());
    const AttributionGraph graph = trace(run.backend, run.replacement, targets,
                                         {.batch = 5, .update_interval = 1, .unexpanded = 0.1});
    EXPECT_LT(graph.unexpanded, 0.1);
    EXPECT_LT(graph.counts.features, graph.active.size());
  });
}

INSTANTIATE_TEST_SUITE_P(Backends, GoldenTrace, ::testing::Bool(),
                         [](const auto& param) { return param.param ? "ref" : "cpu"; });

}  // namespace
}  // namespace cajal
