#include "measure/truth_features.h"

#include <gmock/gmock.h>

#include "base/random.h"

namespace cajal {
namespace {

/// Documents of ten tokens, one a byte. A third of them have state=Texas on bytes 2..3; feature 0
/// fires on those, in strength 4; feature 1 on them and on byte 7 of every document, weakly there;
/// feature 2 on all tokens; feature 3 on half of the spans.
class TruthFeaturesOf : public ::testing::Test {
 protected:
  static constexpr std::size_t kTokens = 10;

  void read(std::size_t documents, TruthFeatures& truth) {
    for (std::uint64_t d = 0; d < documents; ++d) {
      TokenBatch batch;
      batch.first_document = d;
      batch.documents = {{.text = "0123456789", .spans = {}}};
      const bool texas = d % 3 == 0;
      if (texas) {
        batch.documents[0].spans = {{2, 4, "state", "Texas"}};
        spans_ += 1;
      }
      SparseRows codes{.cols = 4};
      std::vector<std::size_t> rows;
      for (std::size_t t = 0; t < kTokens; ++t) {
        batch.offsets.push_back({t, t + 1});
        rows.push_back(t);
        const bool in = texas && (t == 2 || t == 3);
        if (texas && t == 3) {
          codes.append(0, 4.0F);
        }
        if (in || t == 7) {
          codes.append(1, in ? 3.0F : 0.5F);
        }
        codes.append(2, 1.0F);
        if (in && d % 2 == 0) {
          codes.append(3, 1.0F);
        }
        codes.end_row();
      }
      batch.tokens.assign(kTokens, 1);
      batch.starts = {0, kTokens};
      batch.sequences = {{d, 0, kTokens}};
      truth.add(batch, rows, std::span(&codes, 1));
    }
  }
  std::size_t spans_ = 0;
};

TEST_F(TruthFeaturesOf, TheFeatureThatFiresOnTheSpansAloneIsFound) {
  TruthFeatures truth(std::vector<std::size_t>{4});
  read(300, truth);
  const auto labels = truth.labels();
  ASSERT_EQ(labels.size(), 1U);
  EXPECT_EQ(labels[0].kind, "state");
  EXPECT_EQ(labels[0].value, "Texas");
  EXPECT_EQ(labels[0].feature, 0U);
  EXPECT_EQ(labels[0].f1, 1.0);
  EXPECT_EQ(labels[0].precision, 1.0);
  EXPECT_EQ(labels[0].recall, 1.0);
  EXPECT_NEAR(labels[0].auroc, 1.0, 1e-12);
  const auto features = truth.of_features(0.9);
  ASSERT_EQ(features.size(), 2U) << "and the one that needs a threshold";
  EXPECT_EQ(features[1].feature, 1U);
  EXPECT_EQ(features[1].value, "Texas");
}

/// The same without features 0: as if they had never fired.
class WithoutFirst : public TruthFeaturesOf {
 protected:
  TruthLabel best_of(std::uint32_t only, std::size_t documents) {
    TruthFeatures truth(std::vector<std::size_t>{4});
    for (std::uint64_t d = 0; d < documents; ++d) {
      TokenBatch batch;
      batch.first_document = d;
      batch.documents = {{.text = "0123456789", .spans = {}}};
      const bool texas = d % 3 == 0;
      if (texas) {
        batch.documents[0].spans = {{2, 4, "state", "Texas"}};
      }
      SparseRows codes{.cols = 4};
      std::vector<std::size_t> rows;
      for (std::size_t t = 0; t < kTokens; ++t) {
        batch.offsets.push_back({t, t + 1});
        rows.push_back(t);
        const bool in = texas && (t == 2 || t == 3);
        const bool fires = only == 1 ? in || t == 7 : only == 2 ? true : in && d % 2 == 0;
        if (fires) {
          codes.append(only, only == 1 && in ? 3.0F : 0.5F);
        }
        codes.end_row();
      }
      batch.tokens.assign(kTokens, 1);
      batch.starts = {0, kTokens};
      batch.sequences = {{d, 0, kTokens}};
      truth.add(batch, rows, std::span(&codes, 1));
    }
    return truth.labels().at(0);
  }
};

TEST_F(WithoutFirst, AThresholdLeavesWeakFalseAlarmsOut) {
  const TruthLabel label = best_of(1, 300);
  EXPECT_EQ(label.f1, 1.0);
  EXPECT_GT(label.threshold, 0.5);
  EXPECT_LE(label.threshold, 3.0);
}

TEST_F(WithoutFirst, AFeatureThatAlwaysFiresHasTwoFalseAlarmsForEachHit) {
  // With a span in the middle it fires before and behind; without one once, over all tokens.
  const TruthLabel label = best_of(2, 3000);
  EXPECT_EQ(label.recall, 1.0);
  EXPECT_NEAR(label.precision, 1.0 / (1.0 + 2.0 + 2.0), 0.02);
  EXPECT_NEAR(label.auroc, 0.5, 1e-9);
}

TEST_F(WithoutFirst, HalfOfTheSpansIsHalfOfTheRecall) {
  const TruthLabel label = best_of(3, 3000);
  EXPECT_EQ(label.precision, 1.0);
  EXPECT_NEAR(label.recall, 0.5, 0.05);
  EXPECT_NEAR(label.f1, 2.0 * label.recall / (1.0 + label.recall), 1e-12);
  EXPECT_NEAR(label.auroc, 0.5 + 0.5 * label.recall, 1e-9);
}

TEST_F(TruthFeaturesOf, FewSpansSayNothing) {
  TruthFeatures truth(std::vector<std::size_t>{4});
  read(20, truth);
  EXPECT_TRUE(truth.labels().empty());
  EXPECT_EQ(truth.rare(), 1U);
}

/// Many features that fire by chance, and one that does not: it must outlive the shrinking.
TEST(TruthFeatures, ALabelThatKeepsFewFeaturesKeepsTheBest) {
  constexpr std::size_t kFeatures = 200;
  TruthFeatures truth(std::vector<std::size_t>{100, 100}, {.most = 8});
  for (std::uint64_t d = 0; d < 400; ++d) {
    TokenBatch batch;
    batch.first_document = d;
    batch.documents = {{.text = "abc", .spans = {}}};
    const bool labelled = d % 2 == 0;
    if (labelled) {
      batch.documents[0].spans = {{1, 2, "kind", "value"}};
    }
    std::vector<SparseRows> codes(2, SparseRows{.cols = 100});
    for (std::size_t t = 0; t < 3; ++t) {
      for (std::uint32_t f = 0; f < kFeatures; ++f) {
        const bool best = f == 177;
        const bool fires = best ? labelled && t == 1 : random_bits(3, f, d * 3 + t) % 20 == 0;
        if (fires) {
          codes[f / 100].append(f % 100, 1.0F);
        }
      }
      codes[0].end_row();
      codes[1].end_row();
      batch.offsets.push_back({t, t + 1});
    }
    batch.tokens = {1, 2, 3};
    batch.starts = {0, 3};
    batch.sequences = {{d, 0, 3}};
    truth.add(batch, std::vector<std::size_t>{0, 1, 2}, codes);
  }
  const TruthLabel label = truth.labels().at(0);
  EXPECT_EQ(label.site, 1U);
  EXPECT_EQ(label.feature, 77U);
  EXPECT_EQ(label.f1, 1.0);
}

/// One document of three tokens, the first <bos>: a span on the second, and what fires where.
void read_three(TruthFeatures& truth, std::uint64_t document, const char* value,
                const std::array<bool, 2>& fires) {
  TokenBatch batch;
  batch.first_document = document;
  batch.documents = {{.text = "ab", .spans = {{0, 1, "kind", value}}}};
  batch.tokens = {1, 2, 3};
  batch.offsets = {{0, 0}, {0, 1}, {1, 2}};
  batch.starts = {0, 3};
  batch.sequences = {{document, 0, 3}};
  SparseRows codes{.cols = 1};
  for (const bool fire : fires) {
    if (fire) {
      codes.append(0, 1.0F);
    }
    codes.end_row();
  }
  truth.add(batch, std::vector<std::size_t>{1, 2}, std::span(&codes, 1));
}

TEST(TruthFeatures, ABosOnWhichNothingCanFireIsNoTokenOutsideSpans) {
  TruthFeatures truth(std::vector<std::size_t>{1});
  for (std::uint64_t d = 0; d < 100; ++d) {
    read_three(truth, d, "value", {true, true});
  }
  EXPECT_DOUBLE_EQ(truth.labels().at(0).auroc, 0.5) << "it fires on every token alike";
}

TEST(TruthFeatures, AFeaturesLabelIsChosenOnTheHalfThatItsFiguresAreNotOf) {
  TruthFeatures truth(std::vector<std::size_t>{1});
  for (std::uint64_t d = 0; d < 1000; ++d) {
    const bool choosing = (random_bits(0, 0x7472757468, d) & 1U) == 0;
    const bool a = d % 2 == 0;
    // Where labels are chosen it is for "a", where they are tried for "b".
    read_three(truth, d, a ? "a" : "b", {a == choosing || d % 3 == 0, false});
  }
  const auto labels = truth.of_features(0.1);
  ASSERT_EQ(labels.size(), 1U);
  EXPECT_EQ(labels[0].value, "a");
  EXPECT_LT(labels[0].f1, 0.5);
  EXPECT_GT(labels[0].f1_chosen, 0.8);
  EXPECT_TRUE(truth.of_features(0.5).empty());
  const auto pairs = truth.pairs(0.0);  // both labels, whichever was chosen
  ASSERT_EQ(pairs.size(), 2U);
  EXPECT_EQ(pairs[0].value, "a");
  EXPECT_EQ(pairs[0].f1, labels[0].f1);
  EXPECT_EQ(pairs[1].value, "b");
  EXPECT_LT(pairs[1].f1_chosen, pairs[0].f1_chosen);
}

TEST(TruthFeatures, GoOnFromWhatTheySavedAsIfThereHadBeenNoBreak) {
  const std::vector<std::size_t> sites = {1};
  TruthFeatures whole(sites);
  TruthFeatures resumed(sites);
  const auto add = [](TruthFeatures& truth, std::uint64_t d) {
    read_three(truth, d, d % 3 == 0 ? "a" : "b", {d % 3 == 0, d % 7 == 0});
  };
  for (std::uint64_t d = 0; d < 100; ++d) {
    add(whole, d);
  }
  ByteWriter out;
  whole.save(out);
  const std::string bytes = out.take();
  ByteReader in(bytes, "here", "begin again");
  resumed.restore(in);
  in.end();
  for (std::uint64_t d = 100; d < 200; ++d) {
    add(whole, d);
    add(resumed, d);
  }
  const auto expected = whole.labels();
  const auto got = resumed.labels();
  ASSERT_EQ(got.size(), expected.size());
  ASSERT_EQ(got.size(), 2U);
  for (std::size_t i = 0; i < got.size(); ++i) {
    EXPECT_EQ(got[i].value, expected[i].value);
    EXPECT_EQ(got[i].spans, expected[i].spans);
    EXPECT_EQ(got[i].f1, expected[i].f1);
    EXPECT_EQ(got[i].auroc, expected[i].auroc);
    EXPECT_EQ(got[i].threshold, expected[i].threshold);
  }
  EXPECT_GT(got[0].f1, 0.5);
}

}  // namespace
}  // namespace cajal
