// Features, errors and rows of every golden circuit, on both backends.
#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "testing/compare.h"
#include "testing/golden.h"
#include "trace/golden_run_test.h"

namespace cajal {
namespace {

using testing::CircuitRun;
using testing::largest_difference;

class GoldenRows : public ::testing::TestWithParam<bool> {  // whether on `ref`
 protected:
  template <typename Body>
  void each(const Body& body) {
    testing::each_circuit(GetParam(), body);
  }
};

TEST_P(GoldenRows, TheSameFeaturesFire) {
  each([](CircuitRun& run) {
    std::vector<double> places;
    std::vector<double> activations;
    for (const ActiveFeature& f : run.replacement.features()) {
      places.insert(places.end(), {static_cast<double>(f.layer), static_cast<double>(f.position),
                                   static_cast<double>(f.feature)});
      activations.push_back(static_cast<double>(f.activation));
    }
    EXPECT_EQ(places, run.golden.numbers("active_features"));
    run.expect(activations, "activation_values");
  });
}

TEST_P(GoldenRows, ReconstructionsErrorsAndTokensAreWithinTolerance) {
  each([](CircuitRun& run) {
    std::vector<double> reconstruction;
    std::vector<double> error;
    for (std::size_t l = 0; l < run.golden.layers(); ++l) {
      const std::vector<double> r = testing::elements(run.replacement.reconstruction(l));
      const std::vector<double> e = testing::elements(run.replacement.error(l));
      reconstruction.insert(reconstruction.end(), r.begin(), r.end());
      error.insert(error.end(), e.begin(), e.end());
    }
    run.expect(reconstruction, "reconstruction");
    run.expect(error, "error_vectors");
    run.expect(testing::elements(run.replacement.token_vectors()), "token_vectors");
  });
}

TEST_P(GoldenRows, EveryEdgeIsWithinTolerance) {
  each([](CircuitRun& run) {
    const Matrix rows = run.rows(run.targets());
    const auto want = run.golden.rows("full");
    EXPECT_LE(largest_difference(run.sources(rows), testing::elements(want.values.ref())),
              run.golden.tolerance("full/adjacency"));
    if (!GetParam()) {
      testing::count_golden_case("circuits", run.golden.folder());
    }
  });
}

TEST_P(GoldenRows, RowsOfGivenTokensAreWithinTolerance) {
  each([](CircuitRun& run) {
    std::vector<RowTarget> targets;
    for (const std::uint32_t token : run.golden.indices("targets_ids/token_ids")) {
      targets.push_back(run.replacement.logit_target(static_cast<TokenId>(token), run.last()));
    }
    run.expect(run.sources(run.rows(targets)), "targets_ids/rows");
  });
}

TEST_P(GoldenRows, RowsOfAnyDirectionAreWithinTolerance) {
  each([](CircuitRun& run) {
    const ConstMatRef vectors = run.golden.tensor("targets_custom/vectors");
    std::vector<RowTarget> targets;
    for (std::size_t r = 0; r < vectors.rows; ++r) {
      targets.push_back(
          run.replacement.direction_target(testing::elements(vectors.row_range(r, 1)), run.last()));
    }
    run.expect(run.sources(run.rows(targets)), "targets_custom/rows");
  });
}

/// The difference of two logits is a direction of its own.
TEST_P(GoldenRows, ADifferenceIsTheFirstCustomTarget) {
  each([](CircuitRun& run) {
    const Json& d = run.golden.notes().at("targets_custom_definition", "").at("direction_0", "");
    const auto token = [&](std::size_t i) {
      return static_cast<TokenId>(d.as_array("")[i].as_int(""));
    };
    const RowTarget target = run.replacement.difference_target(token(1), token(3), run.last());
    const std::vector<double> got = run.sources(run.rows(std::vector{target}));
    std::vector<double> want = run.golden.numbers("targets_custom/rows");
    want.resize(got.size());
    EXPECT_LE(largest_difference(got, want), run.golden.tolerance("targets_custom/rows"));
  });
}

TEST_P(GoldenRows, ConstantsAreThePackagesAndRowsSum) {
  each([](CircuitRun& run) {
    const std::vector<RowTarget> targets = run.targets();
    const Matrix rows = run.rows(targets);
    const std::size_t first = run.replacement.counts().sources();
    std::vector<std::vector<double>> constants(kRowConstants);
    std::vector<double> biases;
    std::vector<double> values;
    for (std::size_t r = 0; r < targets.size(); ++r) {
      for (std::size_t k = 0; k < kRowConstants; ++k) {
        constants[k].push_back(element(rows.ref(), r, first + k));
      }
      biases.push_back(targets[r].bias);
      values.push_back(targets[r].value);
      EXPECT_LE(row_residual(targets[r], rows.ref(), r), GetParam() ? 1e-6 : 1e-5);
    }
    // No tolerance is given for these: that of the rows that they complete.
    const double tolerance = std::max(run.golden.tolerance("full/adjacency"),
                                      run.golden.tolerance("row_constant/target_value"));
    const auto expect = [&](const std::vector<double>& got, const std::string& name) {
      EXPECT_LE(largest_difference(got, run.golden.numbers("row_constant/" + name)), tolerance)
          << name;
    };
    expect(values, "target_value");
    expect(biases, "b_enc");
    expect(constants[0], "b_dec");
    expect(constants[1], "attn_norm_bias");
    expect(constants[2], "positional");
    expect(constants[3], "bos_mlp");
  });
}

/// Each cut to what a gradient can reach.
TEST_P(GoldenRows, BatchesMakeNoDifference) {
  each([](CircuitRun& run) {
    const std::vector<RowTarget> targets = run.targets();
    const Matrix all = run.rows(targets);
    EXPECT_LE(testing::largest_error(run.rows(targets, 17).ref(), all.ref()),
              run.golden.tolerance("full/adjacency"));
  });
}

INSTANTIATE_TEST_SUITE_P(Backends, GoldenRows, ::testing::Bool(),
                         [](const auto& param) { return param.param ? "ref" : "cpu"; });

}  // namespace
}  // namespace cajal
