#include "measure/dictionary_fit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "measure/small_model_test.h"

namespace cajal {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::SmallModel;
using testing::thrown_by;

constexpr std::size_t kWidth = 32;  // of the small model

/// Gives its input back, whatever that is: features x and -x, times `factor`.
Dictionary mirror(const std::string& input, const std::string& output, float factor = 1.0F) {
  auto w = std::make_shared<Matrix>(Matrix::host(2 * kWidth, kWidth, DType::F32));
  for (std::size_t r = 0; r < 2 * kWidth; ++r) {
    for (std::size_t c = 0; c < kWidth; ++c) {
      const float sign = r < kWidth ? 1.0F : -1.0F;
      w->as<float>().at(r, c) = r % kWidth == c ? sign : 0.0F;
    }
  }
  std::vector<DictionaryLayer> layers;
  for (std::size_t l = 0; l < 2; ++l) {
    layers.push_back({.layer = l,
                      .input_point = fmt::format("{}.{}", input, l),
                      .output_point = fmt::format("{}.{}", output, l),
                      .w_enc = {std::as_const(*w).ref()},
                      .w_dec = std::as_const(*w).ref(),
                      .b_enc = std::vector<float>(2 * kWidth),
                      .b_dec = std::vector<float>(kWidth),
                      .input_scale = factor});
  }
  return {{.kind = DictionaryKind::Transcoder, .name = "mirror"}, std::move(layers), w};
}

class DictionaryFit : public ::testing::Test {
 protected:
  std::vector<LayerFit> fits(const Dictionary& dictionary) {
    const std::vector<std::int32_t> starts = {0, 20, 36};
    std::vector<TokenId> tokens;
    for (TokenId i = 0; i < 36; ++i) {
      tokens.push_back((i * 37 + 11) % 300);
    }
    return measure_fit(*small_.backend, *small_.model, dictionary, {tokens, starts},
                       Precision::F32);
  }
  SmallModel small_;
};

TEST_F(DictionaryFit, IsMeasuredAtThePointsThatTheDictionaryNames) {
  const Dictionary dictionary = mirror("mlp_in", "mlp_in");
  for (const LayerFit& fit : fits(dictionary)) {
    EXPECT_LT(fit.fvu, 1e-9);
    EXPECT_NEAR(fit.l0, kWidth, 0.5);
  }
  EXPECT_THAT(judge_fit(dictionary, fits(dictionary)), IsEmpty());
}

TEST_F(DictionaryFit, RefusesWhatWasMadeForAnotherPointOfTheLayer) {
  const Dictionary dictionary = mirror("resid_mid", "mlp_in");  // its input is its output
  const auto refused = thrown_by([&] { judge_fit(dictionary, fits(dictionary)); });
  EXPECT_EQ(refused.code, ErrorCode::InvalidArgument);
  EXPECT_THAT(refused.message, HasSubstr("mirror: fits mlp_in"));
  EXPECT_THAT(refused.message, HasSubstr("not resid_mid.0"));
}

TEST_F(DictionaryFit, WarnsOfWhatFitsNowhere) {
  const Dictionary dictionary = mirror("mlp_in", "mlp_in", 100.0F);
  const auto notes = judge_fit(dictionary, fits(dictionary));
  ASSERT_EQ(notes.size(), 2U);
  EXPECT_THAT(notes[0], HasSubstr("at mlp_in.0 it leaves"));
}

TEST_F(DictionaryFit, IsGoodWhereNothingIsWarnedOfOrRefused) {
  EXPECT_TRUE(fits_well(fits(mirror("mlp_in", "mlp_in"))));
  EXPECT_FALSE(fits_well(fits(mirror("resid_mid", "mlp_in"))));
  EXPECT_FALSE(fits_well(fits(mirror("mlp_in", "mlp_in", 100.0F))));
}

TEST_F(DictionaryFit, SaysOnWhichTextItIsBad) {
  const Dictionary dictionary = mirror("mlp_in", "mlp_in", 100.0F);
  EXPECT_THAT(judge_fit(dictionary, fits(dictionary), "a poem")[0],
              HasSubstr("unexplained on a poem (L0"));
}

TEST_F(DictionaryFit, RefusesTooFewTokens) {
  const Dictionary dictionary = mirror("mlp_in", "mlp_in");
  const std::vector<TokenId> tokens = {1, 2};
  const std::vector<std::int32_t> starts = {0, 2};
  EXPECT_THAT(thrown_by([&] {
                measure_fit(*small_.backend, *small_.model, dictionary, {tokens, starts},
                            Precision::F32);
              }).message,
              HasSubstr("cannot be measured on 1 tokens"));
}

}  // namespace
}  // namespace cajal
