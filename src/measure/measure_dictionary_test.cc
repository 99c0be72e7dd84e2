#include "measure/measure_dictionary.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "measure/dictionary_replacement.h"
#include "measure/small_model_test.h"
#include "measure/top_of_basis.h"
#include "testing/compare.h"

namespace cajal {
namespace {

/// A dictionary whose features are the columns of a point, each twice: once for each sign. What
/// `kept` of them give back is exact, the rest is lost.
std::shared_ptr<const Dictionary> columns(const std::vector<std::string>& points, std::size_t width,
                                          std::size_t kept) {
  auto weights = std::make_shared<Matrix>(Matrix::host(2 * kept, width, DType::F32));
  const auto w = weights->as<float>();
  std::fill_n(w.data, 2 * kept * width, 0.0F);
  for (std::size_t i = 0; i < kept; ++i) {
    w.at(2 * i, i) = 1.0F;
    w.at(2 * i + 1, i) = -1.0F;
  }
  std::vector<DictionaryLayer> layers(points.size());
  for (std::size_t l = 0; l < points.size(); ++l) {
    layers[l].layer = l;
    layers[l].input_point = layers[l].output_point = points[l];
    layers[l].w_enc = {std::as_const(*weights).ref(), Transpose::No};
    layers[l].w_dec = std::as_const(*weights).ref();
    layers[l].b_enc.assign(2 * kept, 0.0F);
    layers[l].b_dec.assign(width, 0.0F);
  }
  return std::make_shared<const Dictionary>(DictionaryInfo{.name = "columns"}, std::move(layers),
                                            weights);
}

class MeasureDictionary : public ::testing::Test {
 protected:
  DictionaryResult measure(const Dictionary& dictionary, std::size_t tokens = 1000) {
    const std::vector<Document> documents = {
        {.text = "The state containing Dallas is Texas.\n", .spans = {}},
        {.text = "The state of Oakland is California.\n", .spans = {}},
        {.text = "Texas is Texas.", .spans = {}}};
    return measure_dictionary(small_.asked(), dictionary, source_of(documents),
                              {.bos = 1, .tokens = tokens});
  }
  static double number(const std::vector<Metric>& metrics, std::string_view name) {
    const auto value = value_of(metrics, name);
    EXPECT_TRUE(value.has_value()) << name;
    return value.value_or(-1e9);
  }
  testing::SmallModel small_;
};

TEST_F(MeasureDictionary, ThatGivesAllBackCostsNothing) {
  const auto all = columns({"resid_post.0", "resid_post.1"}, 32, 32);
  const DictionaryResult result = measure(*all);
  ASSERT_EQ(result.layers.size(), 2U);
  EXPECT_NEAR(number(result.total, "fvu"), 0.0, 1e-12);
  EXPECT_NEAR(number(result.total, "l0_mean"), 32.0, 0.5) << "one sign of each column";
  EXPECT_NEAR(number(result.splice.all, "delta_ce_sae_keep_bos"), 0.0, 1e-6);
  EXPECT_NEAR(number(result.splice.all, "ce_recovered_sae_keep_bos_vs_zero_keep_bos"), 1.0, 1e-5);
  EXPECT_EQ(result.splice.all.size(), 27U) << "as many as the golden case has";
  EXPECT_EQ(result.layers[1].output_point, "resid_post.1");
}

TEST_F(MeasureDictionary, ThatLosesHalfCostsMoreWithEveryLayer) {
  const auto half = columns({"resid_post.0", "resid_post.1"}, 32, 16);
  const DictionaryResult result = measure(*half);
  EXPECT_GT(number(result.total, "fvu"), 0.1);
  const double kl = number(result.splice.all, "kl_sae_keep_bos");
  EXPECT_GT(kl, 1e-4);
  for (const LayerResult& layer : result.layers) {
    EXPECT_GT(number(layer.splice.all, "kl_sae_keep_bos"), 1e-4);
    EXPECT_LT(number(layer.splice.all, "kl_zero_keep_bos"), 100.0);
  }
  EXPECT_NEAR(number(result.splice.all, "kl_error_added_back"), 0.0, 1e-9)
      << "with its errors the model is itself";
  EXPECT_NEAR(number(result.splice.all, "ce_error_added_back"),
              number(result.splice.all, "ce_original"), 1e-6);
}

TEST_F(MeasureDictionary, BaselinesKeepAsManyCoordinatesAsFeaturesFire) {
  const auto all = columns({"mlp_out.0", "mlp_out.1"}, 32, 32);
  const DictionaryResult result = measure(*all);
  ASSERT_EQ(result.baselines.size(), 2U);
  const BaselineResult& pca = result.baselines[0];
  EXPECT_EQ(pca.name, "pca");
  EXPECT_THAT(pca.k, ::testing::Each(::testing::Ge(31U)));
  EXPECT_NEAR(number(pca.total, "fvu"), 0.0, 1e-3) << "nearly all components stay";
  EXPECT_NEAR(number(pca.splice.all, "delta_ce_sae_keep_bos"), 0.0, 1e-2);
  EXPECT_NEAR(number(pca.splice.all, "ce_recovered_sae_keep_bos_vs_zero_keep_bos"), 1.0, 0.1);
  const BaselineResult& neurons = result.baselines[1];
  EXPECT_EQ(neurons.layers[0].features, 64U) << "neurons of the MLP";
  EXPECT_NEAR(number(neurons.total, "l0_mean"), 32.0, 1.0);
  EXPECT_GT(number(neurons.total, "fvu"), 1e-4) << "half of the neurons are lost";
  EXPECT_LT(number(neurons.total, "fvu"), 0.6);
}

TEST_F(MeasureDictionary, ThatDoesNotFitTheModelIsRefused) {
  const auto narrow = columns({"resid_post.0"}, 16, 16);
  EXPECT_THROW(measure(*narrow), Error);
  const auto tall = columns({"resid_post.0", "resid_post.1", "resid_post.2"}, 32, 32);
  EXPECT_THROW(measure(*tall), Error);
  const auto nowhere = columns({""}, 32, 32);
  EXPECT_THROW(measure(*nowhere), Error);
}

TEST_F(MeasureDictionary, AnEmptyCorpusIsRefused) {
  const auto all = columns({"resid_post.0"}, 32, 32);
  EXPECT_THROW(
      measure_dictionary(small_.asked(), *all, source_of(std::span<const Document>()), {.bos = 1}),
      Error);
}

TEST(TopOfBasis, PrincipalComponentsAreThoseOfTheCovariance) {
  const auto backend = make_reference_backend();
  Matrix rows = Matrix::host(4, 2, DType::F64);
  const double values[] = {3, 1, -1, 1, 1, 2, 1, 0};  // mean (1, 1), wider along x
  std::copy(values, values + 8, rows.as<double>().data);
  Covariance covariance;
  covariance.add(*backend, rows.ref().row_range(0, 1));
  covariance.add(*backend, rows.ref().row_range(1, 3));
  EXPECT_THAT(covariance.mean(),
              ::testing::ElementsAre(::testing::DoubleEq(1.0), ::testing::DoubleEq(1.0)));
  SymmetricEigen components = covariance.components();
  EXPECT_NEAR(components.values[0], 2.0, 1e-12);
  EXPECT_NEAR(components.values[1], 0.5, 1e-12);
  const Basis basis{.mean = covariance.mean(), .vectors = std::move(components.vectors), .k = 1};
  const SparseRows kept = keep_largest(*backend, basis, rows.ref());
  EXPECT_THAT(kept.columns, ::testing::ElementsAre(0, 0, 1, 1));
  EXPECT_NEAR(element(rows.ref(), 0, 0), 3.0, 1e-12);
  EXPECT_NEAR(element(rows.ref(), 3, 1), 0.0, 1e-12);
}

}  // namespace
}  // namespace cajal
