#include <cmath>
#include <numeric>

#include <gmock/gmock.h>

#include "atlas/atlas_builder.h"
#include "atlas/label.h"
#include "atlas/logit_effects.h"
#include "base/error.h"
#include "base/random.h"
#include "model/unembed.h"
#include "testing/files.h"
#include "testing/random_model.h"

namespace cajal {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

/// One sequence a batch: what fires on each token, by site.
struct Fired {
  std::size_t token;
  std::uint32_t feature;
  float value;
};

void read(AtlasBuilder& atlas, std::uint64_t document, std::vector<TokenId> tokens,
          const std::vector<Fired>& fired, std::size_t features) {
  TokenBatch batch;
  batch.first_document = document;
  batch.documents = {{}};
  batch.sequences = {{document, 0, tokens.size()}};
  SparseRows codes{.cols = features};
  std::vector<std::size_t> rows;
  for (std::size_t t = 1; t < tokens.size(); ++t) {  // the first is <bos>
    rows.push_back(t);
    for (const Fired& f : fired) {
      if (f.token == t) {
        codes.append(f.feature, f.value);
      }
    }
    codes.end_row();
  }
  batch.offsets.resize(tokens.size());
  batch.starts = {0, static_cast<std::int32_t>(tokens.size())};
  batch.tokens = std::move(tokens);
  atlas.add(batch, rows, std::span(&codes, 1));
}

TEST(AtlasBuilder, KeepsTheStrongestPlaceOfEachOfTheStrongestSequences) {
  AtlasBuilder atlas(std::vector<std::size_t>{3}, {.top = 2, .window = 1});
  read(atlas, 0, {1, 10, 11, 12, 13}, {{1, 2, 1.0F}, {2, 2, 3.0F}, {4, 2, 2.0F}}, 3);
  read(atlas, 1, {1, 20, 21}, {{1, 2, 5.0F}}, 3);
  read(atlas, 2, {1, 30, 31}, {{2, 2, 0.5F}}, 3);
  const FeaturePage page = atlas.page(2);
  EXPECT_EQ(page.id, (FeatureId{0, 2}));
  EXPECT_EQ(page.fires, 5U);
  EXPECT_EQ(page.largest, 5.0F);
  ASSERT_EQ(page.top.size(), 2U);
  EXPECT_EQ(page.top[0].sequence, 1U);
  EXPECT_EQ(page.top[1].token, 2U);
  EXPECT_THAT(page.top[1].firing, ElementsAre(Pair(1, 1.0F), Pair(2, 3.0F)))
      << "the token at the end is not near";
  EXPECT_EQ(atlas.sequences().at(0).tokens.size(), 5U);
  EXPECT_EQ(atlas.page(0).fires, 0U);
}

TEST(AtlasBuilder, EachIntervalOfStrengthHasAnExample) {
  AtlasBuilder atlas(std::vector<std::size_t>{1});
  for (std::uint64_t d = 0; d < 50; ++d) {
    read(atlas, d, {1, 2}, {{1, 0, d % 2 == 0 ? 1.0F : 4.0F}}, 1);
  }
  const FeaturePage page = atlas.page(0);
  ASSERT_EQ(page.intervals.size(), 2U);
  EXPECT_EQ(page.intervals[0].activation, 4.0F);
  EXPECT_EQ(page.intervals[1].activation, 1.0F);
  EXPECT_EQ(page.histogram[kHistogramMiddle], 25U);
  EXPECT_EQ(page.histogram[kHistogramMiddle + 6], 25U) << "two octaves above";
}

TEST(AtlasBuilder, ActivationsThatOverflowedAreCountedSomewhere) {
  AtlasBuilder atlas(std::vector<std::size_t>{1});
  read(atlas, 0, {1, 2, 3}, {{1, 0, INFINITY}, {2, 0, INFINITY}}, 1);
  read(atlas, 1, {1, 2}, {{1, 0, 1.0F}}, 1);
  const auto histogram = atlas.page(0).histogram;
  EXPECT_EQ(std::accumulate(histogram.begin(), histogram.end(), 0U), 3U);
}

TEST(AtlasBuilder, MemoryHoldsTheSequencesThatExamplesShow) {
  AtlasBuilder atlas(std::vector<std::size_t>{1}, {.top = 3});
  for (std::uint64_t d = 0; d < 5000; ++d) {
    read(atlas, d, {1, 2}, {{1, 0, 1.0F}}, 1);
  }
  atlas.drop_unused();
  EXPECT_LE(atlas.sequences().size(), 4U);
  for (const FeatureExample& e : atlas.page(0).top) {
    EXPECT_TRUE(atlas.sequences().contains(e.sequence));
  }
}

TEST(AtlasBuilder, FeaturesThatFireAtAPeakAreTogether) {
  AtlasBuilder atlas(std::vector<std::size_t>{4});
  for (std::uint64_t d = 0; d < 10; ++d) {
    read(atlas, d, {1, 2, 3}, {{1, 0, 2.0F}, {1, 1, 1.0F}, {2, 2, 1.0F}, {2, 0, 1.0F}}, 4);
  }
  const FeaturePage page = atlas.page(0);
  ASSERT_EQ(page.together.size(), 1U) << "feature 2 fires elsewhere";
  EXPECT_EQ(page.together[0].id.feature, 1U);
  EXPECT_EQ(page.together[0].score, 1.0F);
}

TEST(AtlasBuilder, OfFeaturesThatFireAtAllPeaksTheRarerComesFirst) {
  AtlasBuilder atlas(std::vector<std::size_t>{4});
  for (std::uint64_t d = 0; d < 10; ++d) {
    read(atlas, d, {1, 2, 3}, {{1, 0, 1.0F}, {1, 1, 1.0F}, {1, 2, 1.0F}, {2, 1, 1.0F}}, 4);
  }
  const FeaturePage page = atlas.page(0);
  ASSERT_EQ(page.together.size(), 2U);
  EXPECT_EQ(page.together[0].id.feature, 2U) << "feature 1 fires everywhere";
}

TEST(AtlasBuilder, CompanionsAreFoundAmongHundredsThatFireBeside) {
  constexpr std::size_t kFeatures = 5000;
  AtlasBuilder atlas(std::vector<std::size_t>{kFeatures});
  for (std::uint64_t d = 0; d < 40; ++d) {
    std::vector<Fired> fired = {{1, 0, 2.0F}, {1, 1, 1.0F}};
    if (d % 2 == 0) {
      fired.push_back({1, 2, 1.0F});
    }
    for (std::uint32_t i = 0; i < 100; ++i) {  // others each time, but for the first
      fired.push_back({1, 3 + static_cast<std::uint32_t>(d) * 100 + i, 1.0F});
    }
    read(atlas, d, {1, 2}, fired, kFeatures);
  }
  const FeaturePage page = atlas.page(0);
  ASSERT_EQ(page.together.size(), 2U);
  EXPECT_EQ(page.together[0].id.feature, 1U);
  EXPECT_EQ(page.together[0].score, 1.0F);
  EXPECT_EQ(page.together[1].id.feature, 2U);
  EXPECT_EQ(page.together[1].score, 0.5F);
}

TEST(AtlasBuilder, TokensThatWereSeenOnceAreNotCountedForOthers) {
  AtlasBuilder atlas(std::vector<std::size_t>{1});
  for (std::uint64_t d = 0; d < 100; ++d) {  // three of ten on token 7, the others each on its own
    read(atlas, d, {1, d % 10 < 3 ? TokenId{7} : static_cast<TokenId>(100 + d)}, {{1, 0, 1.0F}}, 1);
  }
  const PeakTokens peaks = atlas.peak_tokens(0);
  EXPECT_EQ(peaks.peaks, 100U);
  EXPECT_THAT(peaks.at.at(0), Pair(7, 30U));
  EXPECT_EQ(peaks.at.at(1).second, 1U);
}

std::string piece(TokenId id) {
  return fmt::format("<{}>", id);
}

/// Documents with firings drawn from their number, into both builders.
void read_drawn(AtlasBuilder& atlas, std::uint64_t document) {
  std::vector<TokenId> tokens = {1};
  std::vector<Fired> fired;
  for (std::size_t t = 1; t < 12; ++t) {
    tokens.push_back(static_cast<TokenId>(random_bits(1, document, t) % 50));
    for (std::uint32_t f = 0; f < 30; ++f) {
      const std::uint64_t bits = random_bits(2, document * 100 + t, f);
      if (bits % 5 == 0) {
        fired.push_back({t, f, static_cast<float>(bits % 1000) + 0.3F});
      }
    }
  }
  read(atlas, document, tokens, fired, 31);
}

std::string saved(const AtlasBuilder& atlas) {
  ByteWriter out;
  atlas.save(out);
  return out.take();
}

TEST(AtlasBuilder, GoesOnFromWhatItSavedAsIfThereHadBeenNoBreak) {
  const std::vector<std::size_t> sites = {31};
  AtlasBuilder whole(sites, {.seed = 4});
  for (std::uint64_t d = 0; d < 20; ++d) {
    read_drawn(whole, d);
  }
  const std::string bytes = saved(whole);
  AtlasBuilder resumed(sites, {.seed = 4});
  ByteReader in(bytes, "here", "begin again");
  resumed.restore(in);
  in.end();
  EXPECT_EQ(saved(resumed), bytes);
  for (std::uint64_t d = 20; d < 90; ++d) {
    read_drawn(whole, d);
    read_drawn(resumed, d);
  }
  EXPECT_EQ(saved(resumed), saved(whole));
  EXPECT_EQ(resumed.page(7).top[0].activation, whole.page(7).top[0].activation);
}

TEST(AtlasBuilder, DoesNotGoOnFromAnotherDictionarysFeatures) {
  AtlasBuilder atlas(std::vector<std::size_t>{31});
  read_drawn(atlas, 0);
  const std::string bytes = saved(atlas);
  AtlasBuilder other(std::vector<std::size_t>{32});
  ByteReader in(bytes, "here", "begin again");
  EXPECT_THROW(other.restore(in), Error);
}

TEST(Label, SaysTheTokenThatMostPeaksAreOn) {
  const PeakTokens peaks{.at = {{7, 6}, {8, 4}}, .before = {{{1, 2}, 10}}, .peaks = 10};
  const FeatureLabel label = label_of(peaks, {}, piece);
  EXPECT_EQ(label.text, "fires on \"<7>\"");
  EXPECT_EQ(label.source, LabelSource::Token);
  EXPECT_DOUBLE_EQ(label.score, 0.6);
}

TEST(Label, SaysWhatComesBeforeWhereTokensDiffer) {
  const PeakTokens peaks{.at = {{7, 2}, {8, 2}}, .before = {{{1, 2}, 7}}, .peaks = 10};
  EXPECT_EQ(label_of(peaks, {}, piece).text, "after \"<1><2>\"");
}

TEST(Label, SaysWhatItMakesTheModelSayWhereNothingElseIsCommon) {
  const PeakTokens peaks{.at = {{7, 1}}, .before = {{{1, 2}, 1}}, .peaks = 10};
  const std::vector<TokenEffect> promoted = {{5, 4.0F}, {6, 2.0F}};
  const FeatureLabel label = label_of(peaks, promoted, piece);
  EXPECT_EQ(label.text, "says \"<5>\"");
  EXPECT_EQ(label.source, LabelSource::Logits);
  EXPECT_EQ(label_of(peaks, {}, piece).source, LabelSource::None);
  EXPECT_EQ(label_of({}, promoted, piece).text, "") << "it never fires";
}

TEST(LogitEffects, AreThoseOfTheUnembeddingOfADecoderRow) {
  testing::TemporaryFolder folder;
  testing::write_random_model(folder.path(), R"({"model_type": "llama", "vocab_size": 50,
      "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1,
      "num_attention_heads": 2, "num_key_value_heads": 2, "head_dim": 8,
      "max_position_embeddings": 20, "tie_word_embeddings": true})");
  const auto model = Model::load(folder.path());
  const auto backend = make_reference_backend();
  auto w = std::make_shared<Matrix>(Matrix::host(2, 16, DType::F32));
  for (std::size_t c = 0; c < 16; ++c) {
    const double e = element(model->weights().embeddings, 33, c);
    w->as<float>().at(0, c) = static_cast<float>(e);
    w->as<float>().at(1, c) = static_cast<float>(-e);
  }
  std::vector<DictionaryLayer> layers(1);
  layers[0].input_point = layers[0].output_point = "resid_post.0";
  layers[0].w_enc = {std::as_const(*w).ref(), Transpose::No};
  layers[0].w_dec = std::as_const(*w).ref();
  layers[0].b_enc.assign(2, 0.0F);
  layers[0].b_dec.assign(16, 0.0F);
  const Dictionary dictionary({.name = "test"}, std::move(layers), w);
  const auto effects = logit_effects(*backend, *model, dictionary, 0, 3, Precision::F32);
  ASSERT_EQ(effects.size(), 2U);
  const Matrix logits = unembed(
      *backend, model->config(), model->weights(),
      [&] {
        static Matrix row = Matrix::host(1, 16, DType::F64);
        convert(w->ref().row_range(0, 1), row.ref());
        return std::as_const(row).ref();
      }(),
      Precision::F32);
  double largest = -1e9;
  TokenId best = -1;
  for (std::size_t v = 0; v < 50; ++v) {
    if (element(logits.ref(), 0, v) > largest) {
      largest = element(logits.ref(), 0, v);
      best = static_cast<TokenId>(v);
    }
  }
  EXPECT_EQ(effects[0].promoted[0].token, best);
  EXPECT_EQ(effects[1].suppressed[0].token, best) << "the opposite row lowers it";
}

}  // namespace
}  // namespace cajal
