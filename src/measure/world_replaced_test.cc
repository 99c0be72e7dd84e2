#include "measure/world_replaced.h"

#include <gmock/gmock.h>

#include "measure/small_model_test.h"
#include "measure/world_truths.h"

namespace cajal {
namespace {

/// Gives back `factor` times a point, whatever its sign.
std::shared_ptr<const Dictionary> scaled_point(const std::string& point, std::size_t width,
                                               float factor) {
  auto owner = std::make_shared<std::pair<Matrix, Matrix>>(
      Matrix::host(2 * width, width, DType::F32), Matrix::host(2 * width, width, DType::F32));
  std::fill_n(owner->first.as<float>().data, 2 * width * width, 0.0F);
  std::fill_n(owner->second.as<float>().data, 2 * width * width, 0.0F);
  for (std::size_t i = 0; i < width; ++i) {
    for (const std::size_t sign : {0U, 1U}) {
      owner->first.as<float>().at(2 * i + sign, i) = sign == 0 ? 1.0F : -1.0F;
      owner->second.as<float>().at(2 * i + sign, i) = sign == 0 ? factor : -factor;
    }
  }
  std::vector<DictionaryLayer> layers(1);
  layers[0].layer = 1;
  layers[0].input_point = layers[0].output_point = point;
  layers[0].w_enc = {std::as_const(owner->first).ref(), Transpose::No};
  layers[0].w_dec = std::as_const(owner->second).ref();
  layers[0].b_enc.assign(2 * width, 0.0F);
  layers[0].b_dec.assign(width, 0.0F);
  return std::make_shared<const Dictionary>(DictionaryInfo{.name = "scaled"}, std::move(layers),
                                            owner);
}

class WorldReplaced : public ::testing::Test {
 protected:
  WorldReplaced() {
    for (int i = 0; i < 8; ++i) {
      task_.heldout.push_back(
          {.prompt = "The state containing Dallas is", .answer = " Texas", .kind = "made up"});
      task_.heldout.back().prompt += std::string(static_cast<std::size_t>(i), '.');
    }
  }
  ReplacedScores scores(const Dictionary& dictionary) {
    const Task* task = &task_;
    return score_replaced(small_.asked(), dictionary, 1, std::span(&task, 1), {.misses = 8});
  }
  static std::vector<std::string> said(const std::vector<KindScore>& scores) {
    std::vector<std::string> out;
    for (const Miss& miss : scores.at(0).misses) {
      out.push_back(miss.said);
    }
    return out;
  }
  testing::SmallModel small_;
  testing::FakeTask task_;
};

TEST_F(WorldReplaced, WhatIsGivenBackWholeAnswersAsTheModelDoes) {
  const ReplacedScores same = scores(*scaled_point("resid_post.1", 32, 1.0F));
  EXPECT_EQ(said(same.replaced), said(same.own));
  EXPECT_EQ(said(same.with_errors), said(same.own));
}

TEST_F(WorldReplaced, WhatIsTurnedRoundAnswersOtherwiseUnlessItsErrorsAreAddedBack) {
  const ReplacedScores other = scores(*scaled_point("resid_post.1", 32, -1.0F));
  EXPECT_NE(said(other.replaced), said(other.own));
  EXPECT_EQ(said(other.with_errors), said(other.own));
}

TEST_F(WorldReplaced, TruthIsFoundInOnePassOverDocumentsThatTheSeedDecides) {
  const std::vector<Document> documents(
      40, Document{.text = "The state of Oakland is California.",
                   .spans = {{13, 20, "state", "California"}, {13, 20, "fact", "left out"}}});
  const TruthResult result = find_truth_features(
      small_.asked(), *scaled_point("resid_post.1", 32, 1.0F), source_of(documents), {.bos = 1});
  EXPECT_EQ(result.documents, 40U);
  ASSERT_EQ(result.labels.size(), 1U) << "facts are no labels";
  EXPECT_EQ(result.labels[0].value, "California");
  EXPECT_GT(result.labels[0].recall, 0.99);
}

TEST_F(WorldReplaced, AGroupStandsForWhatItsOnlyMemberStandsFor) {
  const std::vector<Document> documents(40, Document{.text = "The state of Oakland is California.",
                                                     .spans = {{13, 20, "state", "California"}}});
  const auto dictionary = scaled_point("resid_post.1", 32, 1.0F);
  const TruthResult alone =
      find_truth_features(small_.asked(), *dictionary, source_of(documents), {.bos = 1});
  const TruthLabel& best = alone.labels.at(0);
  const std::vector<std::vector<JointMember>> groups = {
      {{.site = 0, .feature = best.feature == 0 ? 1U : 0U, .full = 1e6}},  // never 1 % there
      {{.site = best.site, .feature = best.feature, .full = 1e3}}};
  const std::vector<TruthLabel> found = find_truths_of(
      JointFeatures(groups), 0.1, small_.asked(), *dictionary, source_of(documents), {.bos = 1});
  EXPECT_TRUE(found.empty());  // nothing is as strong as that
  const std::vector<std::vector<JointMember>> fitting = {
      groups[0], {{.site = best.site, .feature = best.feature, .full = 4.0 * best.threshold}}};
  const std::vector<TruthLabel> again = find_truths_of(
      JointFeatures(fitting), 0.1, small_.asked(), *dictionary, source_of(documents), {.bos = 1});
  ASSERT_EQ(again.size(), 1U);
  EXPECT_EQ(again[0].feature, 1U);
  EXPECT_EQ(again[0].value, "California");
  EXPECT_NEAR(again[0].f1, best.f1, 0.1);
}

}  // namespace
}  // namespace cajal
