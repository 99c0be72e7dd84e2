#include "measure/dictionary_metrics.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "io/json.h"
#include "io/safetensors.h"
#include "io/tensor.h"
#include "testing/golden.h"

namespace cajal {
namespace {

using ::testing::DoubleNear;

SparseRows sparse(ConstMatRef dense) {
  SparseRows out{.cols = dense.cols};
  for (std::size_t r = 0; r < dense.rows; ++r) {
    for (std::size_t c = 0; c < dense.cols; ++c) {
      if (const double value = element(dense, r, c); value != 0.0) {
        out.append(static_cast<std::uint32_t>(c), static_cast<float>(value));
      }
    }
    out.end_row();
  }
  return out;
}

std::vector<double> column(ConstMatRef row) {
  std::vector<double> out;
  for (std::size_t i = 0; i < row.cols; ++i) {
    out.push_back(element(row, 0, i));
  }
  return out;
}

class DictionaryMetricsGolden : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const auto& folder : testing::golden_folders("dictionaries/metrics")) {
      folder_ = folder.filename() == "basic" ? folder : folder_;
    }
    ASSERT_FALSE(folder_.empty());
    notes_ = Json::load(folder_ / "case.json");
    tensors_ = Safetensors::open(folder_ / "expected.safetensors");
  }

  ConstMatRef tensor(const char* name) const { return as_matrix(tensors_->at(name)); }

  DictionaryMetrics measured(const std::vector<std::size_t>& ends) const {
    DictionaryMetrics out(tensor("feature_acts").cols);
    std::size_t begin = 0;
    for (const std::size_t end : ends) {
      out.add(tensor("x").row_range(begin, end - begin),
              tensor("recon").row_range(begin, end - begin),
              sparse(tensor("feature_acts").row_range(begin, end - begin)));
      begin = end;
    }
    out.set_decoder_cosines(column(tensor("max_decoder_cosine_signed")),
                            column(tensor("max_decoder_cosine_abs")));
    return out;
  }

  void expect_all(const DictionaryMetrics& got) const {
    const Json& want = notes_.at("metrics", "case.json");
    const auto metrics = got.metrics();
    EXPECT_EQ(metrics.size(), want.as_object("").size());
    for (const Metric& metric : metrics) {
      const double number = want.at(metric.name, "metrics").as_double(metric.name);
      ASSERT_TRUE(metric.value.has_value()) << metric.name;
      // What it is made of was rounded to float32 once.
      EXPECT_THAT(*metric.value, DoubleNear(number, 1e-6 * std::max(1.0, std::abs(number))))
          << metric.name;
    }
  }

  std::filesystem::path folder_;
  Json notes_;
  std::shared_ptr<const Safetensors> tensors_;
};

TEST_F(DictionaryMetricsGolden, EveryMetricIsTheGoldenNumber) {
  DictionaryMetrics metrics = measured({120, 200});
  metrics.add_again(tensor("x").row_range(0, 150), tensor("recon").row_range(0, 150));
  metrics.add_again(tensor("x").row_range(150, 50), tensor("recon").row_range(150, 50));
  expect_all(metrics);
  const ConstMatRef density = tensor("density");
  for (std::size_t f = 0; f < density.cols; ++f) {
    EXPECT_NEAR(metrics.density(f), element(density, 0, f), 1e-7);
  }
  testing::count_golden_case("dictionaries/metrics", folder_);
}

double value_of(const DictionaryMetrics& metrics, std::string_view name) {
  for (const Metric& metric : metrics.metrics()) {
    if (metric.name == name) {
      return metric.value.value_or(-1.0);
    }
  }
  return -2.0;
}

TEST_F(DictionaryMetricsGolden, OnlyBatchedFiguresDependOnTheBatches) {
  const DictionaryMetrics one = measured({200});
  const DictionaryMetrics many = measured({1, 8, 17, 60, 61, 200});
  for (const Metric& metric : one.metrics()) {
    if (metric.name.find("batch") == std::string_view::npos) {
      EXPECT_NEAR(value_of(many, metric.name), *metric.value, 1e-12 * (1.0 + *metric.value))
          << metric.name;
    }
  }
  EXPECT_EQ(value_of(one, "explained_variance_legacy_one_batch"),
            value_of(one, "explained_variance_legacy_batched"));
  EXPECT_EQ(value_of(many, "explained_variance_legacy_one_batch"), -1.0) << "not measured";
}

TEST_F(DictionaryMetricsGolden, PoolingALayerWithItselfChangesNothingButCounts) {
  const DictionaryMetrics one = measured({120, 200});
  DictionaryMetrics pooled = one;
  pooled.pool(one);
  pooled.pool(one);
  for (const Metric& metric : one.metrics()) {
    if (!metric.value) {
      continue;
    }
    const bool counts = metric.name.find("feature") != std::string_view::npos;
    // The middle of three times as many tokens interpolates elsewhere.
    const bool percentile = metric.name.find("l0_p") != std::string_view::npos;
    if (!percentile) {
      EXPECT_NEAR(value_of(pooled, metric.name), *metric.value * (counts ? 3.0 : 1.0), 1e-9)
          << metric.name;
    }
  }
}

TEST(DictionaryMetrics, ShapesThatDoNotFitAreRefused) {
  DictionaryMetrics metrics(4);
  Matrix x = Matrix::host(2, 3, DType::F32);
  Matrix wide = Matrix::host(2, 5, DType::F32);
  std::fill_n(x.as<float>().data, 6, 1.0F);
  SparseRows none{.cols = 4};
  none.end_row();
  EXPECT_THROW(metrics.add(x.ref(), wide.ref(), none), Error);
  EXPECT_THROW(metrics.add(x.ref(), x.ref(), none), Error) << "features of one token only";
  none.end_row();
  metrics.add(x.ref(), x.ref(), none);
  std::fill_n(wide.as<float>().data, 10, 1.0F);
  EXPECT_THROW(metrics.add(wide.ref(), wide.ref(), none), Error) << "another width";
}

TEST(DictionaryMetrics, OfTargetsThatDoNotVaryNothingIsExplained) {
  DictionaryMetrics metrics(4);
  Matrix x = Matrix::host(3, 2, DType::F32);
  Matrix wrong = Matrix::host(3, 2, DType::F32);
  std::fill_n(x.as<float>().data, 6, 1.0F);
  std::fill_n(wrong.as<float>().data, 6, 9.0F);
  SparseRows none{.cols = 4};
  for (std::size_t r = 0; r < 3; ++r) {
    none.end_row();
  }
  metrics.add(x.ref(), wrong.ref(), none);
  for (const char* name : {"fvu", "explained_variance", "ev_per_dim_mean",
                           "explained_variance_legacy_batched", "residual_variance_ev"}) {
    EXPECT_EQ(value_of(metrics, name), -1.0) << name << " is absent";
  }
  EXPECT_EQ(value_of(metrics, "nmse_uncentred"), 64.0);
}

}  // namespace
}  // namespace cajal
