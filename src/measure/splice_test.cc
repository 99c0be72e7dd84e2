#include "measure/splice.h"

#include <gmock/gmock.h>

#include "activations/token_batches.h"
#include "base/error.h"
#include "dictionary/encode.h"
#include "io/json.h"
#include "io/safetensors.h"
#include "io/tensor.h"
#include "measure/prediction.h"
#include "measure/sae_test.h"
#include "measure/small_model_test.h"
#include "testing/compare.h"
#include "testing/golden.h"

namespace cajal {
namespace {

const std::vector<TokenId> kTokens = {1, 30, 31, 32, 1, 33, 34};
const std::vector<std::int32_t> kStarts = {0, 4, 7};

/// Leaves things as they are and says what it saw.
struct Watch : Replacement {
  void replace(std::size_t site, ConstMatRef input, MatRef output) override {
    sites.push_back(site);
    rows = output.rows;
    widths = {input.cols, output.cols};
  }
  std::vector<std::size_t> sites;
  std::vector<std::size_t> widths;
  std::size_t rows = 0;
};

TEST(Splice, ReplacingNothingByItselfChangesNoBit) {
  testing::SmallModel small;
  const std::vector<DictionarySite> sites = {
      {{PointKind::MlpIn, 0}, {PointKind::MlpOut, 0}},
      {{PointKind::ResidPost, 1}, {PointKind::ResidPost, 1}}};
  const Batch batch{kTokens, kStarts};
  KvCache cache(small.model->config(), *small.backend, 2);
  const Matrix plain =
      small.model->forward(*small.backend, batch, cache, {.logits = LogitRows::All});
  Watch watch;
  const std::vector<std::size_t> rows = rows_except(kTokens, std::vector<TokenId>{1});
  const Matrix spliced =
      spliced_logits(*small.backend, *small.model, batch, Precision::F32, sites, rows, watch);
  EXPECT_EQ(testing::largest_error(spliced.ref(), plain.ref()), 0.0);
  EXPECT_THAT(watch.sites, ::testing::ElementsAre(0, 1));
  EXPECT_EQ(watch.rows, 5) << "all but the two that are kept";
  EXPECT_THAT(watch.widths, ::testing::ElementsAre(32, 32));
}

TEST(Splice, KeptRowsKeepTheirPredictions) {
  testing::SmallModel small;
  const std::vector<DictionarySite> sites = {
      {{PointKind::ResidPost, 1}, {PointKind::ResidPost, 1}}};
  const Batch batch{kTokens, kStarts};
  const auto run = [&](const std::vector<std::size_t>& rows, Replacement& by) {
    return spliced_logits(*small.backend, *small.model, batch, Precision::F32, sites, rows, by);
  };
  Watch watch;
  Ablation zeros;
  Ablation ones({std::vector<double>(32, 1.0)});
  const Matrix plain = run({}, watch);
  const Matrix zeroed = run({1, 5}, zeros);
  const Matrix set = run({1, 5}, ones);
  for (const std::size_t r : {0U, 2U, 3U, 4U, 6U}) {  // after the last layer no token sees another
    EXPECT_EQ(testing::largest_error(zeroed.ref().row_range(r, 1), plain.ref().row_range(r, 1)),
              0.0);
  }
  EXPECT_GT(testing::largest_error(zeroed.ref().row_range(1, 1), plain.ref().row_range(1, 1)), 0.1);
  EXPECT_EQ(testing::largest_error(set.ref().row_range(1, 1), set.ref().row_range(5, 1)), 0.0)
      << "the same row in two places";
}

TEST(Splice, AnAblationOfAnotherWidthIsRefused) {
  testing::SmallModel small;
  Ablation narrow({std::vector<double>(31, 1.0)});
  EXPECT_THROW(
      spliced_logits(*small.backend, *small.model, {kTokens, kStarts}, Precision::F32,
                     std::vector<DictionarySite>{{{PointKind::MlpIn, 0}, {PointKind::MlpOut, 0}}},
                     std::vector<std::size_t>{1}, narrow),
      Error);
}

TEST(Prediction, OfTheSameLogitsHasNoDivergence) {
  Matrix logits = Matrix::host(2, 3, DType::F64);
  const double values[] = {0.0, std::log(2.0), 0.0, 5.0, 5.0, 5.0};
  std::copy(values, values + 6, logits.as<double>().data);
  const std::vector<std::int32_t> targets = {1, -1};
  const auto changes = prediction_changes(logits.ref(), logits.ref(), targets);
  EXPECT_NEAR(changes[0].cross_entropy, std::log(2.0), 1e-15);
  EXPECT_EQ(changes[1].cross_entropy, 0.0) << "nothing follows";
  EXPECT_EQ(changes[0].kl, 0.0);
  PredictionMeans means;
  means.add(changes, targets);
  EXPECT_NEAR(means.cross_entropy(), std::log(2.0), 1e-15);
}

TEST(Prediction, AnAblationThatChangesNothingRecoversNothing) {
  EXPECT_EQ(ce_recovered(1.0, 1.5, 1.0), std::nullopt);
  EXPECT_EQ(kl_score(0.5, 0.0), std::nullopt);
  EXPECT_DOUBLE_EQ(*ce_recovered(1.0, 1.5, 3.0), 0.75);
  EXPECT_DOUBLE_EQ(*kl_score(0.5, 2.0), 0.75);
}

}  // namespace
}  // namespace cajal
