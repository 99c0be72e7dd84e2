// Rows of every model family add up: with random transcoders, since no path may be forgotten and
// no bias lost, whatever a family's blocks look like.
#include <gtest/gtest.h>

#include "testing/golden.h"
#include "trace/random_dictionary_test.h"
#include "trace/rows.h"

namespace cajal {
namespace {

using testing::DictionaryShape;
using testing::kFeatures;
using testing::random_dictionary;
using testing::some_tokens;

class RowsOfFamilies : public ::testing::TestWithParam<bool> {  // whether on `ref`
 protected:
  void expect_sums(Backend& backend, const std::shared_ptr<const Model>& model,
                   const DictionaryShape& kind) {
    const ModelConfig& config = model->config();
    LocalReplacement replacement(backend, model, random_dictionary(config, kind),
                                 some_tokens(config));
    EXPECT_GT(replacement.features().size(), kFeatures);
    std::vector<RowTarget> targets;
    for (std::size_t i = 0; i < replacement.features().size(); i += 5) {
      targets.push_back(replacement.feature_target(i));
    }
    for (const TokenId token : {2, 11, 5}) {
      targets.push_back(replacement.logit_target(token, 6));
    }
    Matrix rows = make_matrix(backend, targets.size(), row_columns(replacement));
    compute_rows(backend, replacement, targets, rows.ref());
    // Relative to the sum of absolute values: some thousand roundings of eps, walks of few layers.
    const double eps = GetParam() ? 2.3e-16 : 1.2e-7;
    for (std::size_t i = 0; i < targets.size(); ++i) {
      EXPECT_LE(row_residual(targets[i], rows.ref(), i), 1000 * eps)
          << "row " << i << " at " << name_of(targets[i].point);
    }
  }
  template <typename Body>
  void each(const Body& body) {
    const auto folders = testing::golden_folders("models");
    if (!testing::have_or_skip(!folders.empty(), "golden", "there are no golden models")) {
      return;
    }
    const auto backend = GetParam() ? make_reference_backend() : make_cpu_backend();
    for (const auto& folder : folders) {
      if (std::filesystem::exists(folder / "config.json")) {
        SCOPED_TRACE(folder.filename().string());
        body(*backend, Model::load(folder));
      }
    }
  }
};

TEST_P(RowsOfFamilies, SumWithSkipTranscoders) {
  each([&](Backend& backend, const std::shared_ptr<const Model>& model) {
    expect_sums(backend, model, {.skips = true});
  });
}

TEST_P(RowsOfFamilies, SumWithCrossLayerTranscodersOfTheResidualStream) {
  each([&](Backend& backend, const std::shared_ptr<const Model>& model) {
    const ModelConfig& config = model->config();
    expect_sums(backend, model,
                {.kind = DictionaryKind::CrossLayer,
                 .input = config.parallel ? PointKind::ResidPre : PointKind::ResidMid,
                 .output = config.branch_is_changed() ? PointKind::MlpOutPost : PointKind::MlpOut});
  });
}

TEST_P(RowsOfFamilies, SumWithInputsBeforeTheGain) {
  each([&](Backend& backend, const std::shared_ptr<const Model>& model) {
    if (model->config().norm_before) {
      expect_sums(backend, model, {.skips = true, .input = PointKind::MlpInNormalized});
    }
  });
}

INSTANTIATE_TEST_SUITE_P(Backends, RowsOfFamilies, ::testing::Bool(),
                         [](const auto& param) { return param.param ? "ref" : "cpu"; });

}  // namespace
}  // namespace cajal
