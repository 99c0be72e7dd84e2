// The golden splice of stories260K: every figure of an SAE in its residual stream.
#include <cmath>

#include <gtest/gtest.h>

#include "activations/token_batches.h"
#include "io/json.h"
#include "measure/dictionary_metrics.h"
#include "measure/dictionary_replacement.h"
#include "measure/sae_test.h"
#include "measure/splice_figures.h"
#include "testing/golden.h"

namespace cajal {
namespace {

namespace fs = std::filesystem;

struct Variant {
  SpliceVariant variant;
  std::unique_ptr<Replacement> replacement;
  std::span<const std::size_t> rows;
};

class SpliceGolden : public ::testing::TestWithParam<bool> {  // whether on `ref`
 protected:
  void load() {
    folder_ = testing::shared_folder() / "golden" / "dictionaries" / "metrics" / "splice";
    notes_ = Json::load(folder_ / "case.json");
    expected_ = Safetensors::open(folder_ / "expected.safetensors");
    backend_ = GetParam() ? make_reference_backend() : make_cpu_backend();
    model_ = Model::load(testing::shared_folder() / "models" / "stories260K" / "hf");
    dictionary_ = testing::golden_sae(folder_);
    const auto tokens = as_matrix(expected_->at("tokens")).as<const std::int64_t>();
    for (std::size_t s = 0; s < tokens.rows; ++s) {
      for (std::size_t t = 0; t < tokens.cols; ++t) {
        tokens_.push_back(static_cast<TokenId>(tokens.at(s, t)));
        targets_.push_back(t + 1 < tokens.cols ? static_cast<TokenId>(tokens.at(s, t + 1)) : -1);
      }
      starts_.push_back(static_cast<std::int32_t>(tokens_.size()));
    }
    sites_ = sites_of(*dictionary_, model_->config());
    rows_ = rows_except(tokens_, std::vector<TokenId>{1});
    all_ = rows_except(tokens_, {});
  }
  Matrix run(Replacement& replacement, std::span<const std::size_t> rows) {
    return spliced_logits(*backend_, *model_, {tokens_, starts_}, Precision::F32, sites_, rows,
                          replacement);
  }
  void add(SpliceVariant variant, Replacement&& replacement, std::span<const std::size_t> rows) {
    figures_.add(variant, original_.ref(), run(replacement, rows).ref(), tokens_, targets_, 1);
  }
  void expect(const std::vector<Metric>& got, const Json& want, double tolerance) {
    EXPECT_EQ(got.size(), want.as_object("").size());
    for (const Metric& metric : got) {
      const double number = want.at(metric.name, "results").as_double(metric.name);
      ASSERT_TRUE(metric.value.has_value()) << metric.name;
      EXPECT_NEAR(*metric.value, number, tolerance * std::max(1.0, std::abs(number)))
          << metric.name;
    }
  }

  fs::path folder_;
  Json notes_;
  std::shared_ptr<const Safetensors> expected_;
  std::unique_ptr<Backend> backend_;
  std::shared_ptr<const Model> model_;
  std::shared_ptr<const Dictionary> dictionary_;
  std::vector<TokenId> tokens_;
  std::vector<std::int32_t> targets_;
  std::vector<std::int32_t> starts_ = {0};
  std::vector<DictionarySite> sites_;
  std::vector<std::size_t> rows_;
  std::vector<std::size_t> all_;
  Matrix original_;
  SpliceFigures figures_;
};

TEST_P(SpliceGolden, EveryFigureIsTheGoldenNumber) {
  if (!testing::have_or_skip(!testing::shared_folder().empty(), "golden",
                             "the splice case needs CAJAL_SHARED")) {
    return;
  }
  load();
  DictionaryRecorder clean(*backend_, *dictionary_, Precision::F32);
  original_ = run(clean, rows_);
  figures_.add_original(original_.ref(), tokens_, targets_, 1);
  DictionaryMetrics metrics(dictionary_->features());
  metrics.add(clean.target(0).ref(), clean.reconstruction(0).ref(), clean.codes(0));
  const std::vector<Matrix> errors = clean.errors();
  const auto dictionary = [&](std::span<const Matrix> added) {
    return DictionaryReplacement(*backend_, *dictionary_, Precision::F32, added);
  };
  add(SpliceVariant::DictionaryKeepBos, dictionary({}), rows_);
  add(SpliceVariant::DictionaryAll, dictionary({}), all_);
  add(SpliceVariant::ZeroKeepBos, Ablation(), rows_);
  add(SpliceVariant::ZeroAll, Ablation(), all_);
  add(SpliceVariant::MeanKeepBos, Ablation({metrics.mean()}), rows_);
  add(SpliceVariant::ErrorAddedBack, dictionary(errors), rows_);
  // The model and the dictionary are f32 files run in double by the makers; the dictionary's own
  // numbers are float in ours on every backend.
  const double tolerance = GetParam() ? 2e-6 : 2e-5;
  const Json& results = notes_.at("results", "case.json");
  expect(figures_.all(), results.at("all", ""), tolerance);
  expect(figures_.non_bos(), results.at("non_bos_input", ""), tolerance);
  const Json& site = notes_.at("site_metrics", "").at("without_bos", "");
  for (const Metric& metric : metrics.metrics()) {
    if (metric.value) {
      const double want = site.at(metric.name, "").as_double(metric.name);
      EXPECT_NEAR(*metric.value, want, tolerance * std::max(1.0, std::abs(want))) << metric.name;
    }
  }
  testing::count_golden_case("dictionaries/metrics", folder_);
}

INSTANTIATE_TEST_SUITE_P(Backends, SpliceGolden, ::testing::Bool(),
                         [](const auto& param) { return param.param ? "ref" : "cpu"; });

}  // namespace
}  // namespace cajal
