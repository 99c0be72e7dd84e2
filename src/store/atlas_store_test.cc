#include "store/atlas_store.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "base/file.h"
#include "testing/files.h"

namespace cajal {
namespace {

FeaturePage example_page() {
  FeaturePage out{.id = {1, 7}, .fires = 1000000, .largest = 8.5F, .first = 1.25F};
  out.histogram[3] = 70000;
  out.top = {{.sequence = 300, .token = 4, .activation = 8.5F, .firing = {{3, 1.0F}, {4, 8.5F}}}};
  out.intervals = {{.sequence = 2, .token = 1, .activation = 0.5F, .firing = {{1, 0.5F}}}};
  out.promoted = {{2999, 3.5F}};
  out.suppressed = {{0, -2.0F}, {1, -1.0F}};
  out.near = {{{1, 9}, 0.75F}};
  out.together = {{{0, 3}, 1.0F}};
  out.label = {"state=Texas", LabelSource::Truth, 0.93, 2.5};
  return out;
}

class AtlasStoreFile : public ::testing::Test {
 protected:
  AtlasStoreFile() {
    contents_.meta = {{"model", "specimen"}};
    contents_.tokens = 5000;
    contents_.layers = {{0, "mlp_in.0", "mlp_out.0", 10}, {1, "mlp_in.1", "mlp_out.1", 10}};
    contents_.sequences[2] = {0, {1, 5}};
    contents_.sequences[300] = {17, {1, 5, 6, 7, 2999}};
    contents_.pieces[2999] = " Te\xff";
    pages_.push_back({.id = {0, 0}});
    pages_.push_back(example_page());
    file_ = folder_.path() / "atlas.sqlite";
    write_atlas(file_, contents_, pages_);
  }
  testing::TemporaryFolder folder_;
  std::filesystem::path file_;
  AtlasContents contents_;
  std::vector<FeaturePage> pages_;
};

TEST_F(AtlasStoreFile, GivesBackWhatWasWritten) {
  const AtlasStore atlas(file_);
  EXPECT_EQ(atlas.meta("model"), "specimen");
  EXPECT_EQ(atlas.meta("nothing"), std::nullopt);
  EXPECT_EQ(atlas.tokens(), 5000U);
  ASSERT_EQ(atlas.layers().size(), 2U);
  EXPECT_EQ(atlas.layers()[1].output_point, "mlp_out.1");
  EXPECT_EQ(atlas.piece(2999), " Te\xff");
  EXPECT_EQ(atlas.sequence(300).tokens.back(), 2999);
  const auto page = atlas.page({1, 7});
  ASSERT_TRUE(page);
  const FeaturePage want = example_page();
  EXPECT_EQ(page->fires, want.fires);
  EXPECT_EQ(page->largest, want.largest);
  EXPECT_EQ(page->histogram, want.histogram);
  ASSERT_EQ(page->top.size(), 1U);
  EXPECT_EQ(page->top[0].sequence, 300U);
  EXPECT_EQ(page->top[0].firing, want.top[0].firing);
  EXPECT_EQ(page->promoted[0].token, 2999);
  EXPECT_EQ(page->suppressed[1].logit, -1.0F);
  EXPECT_EQ(page->near[0].id, (FeatureId{1, 9}));
  EXPECT_EQ(page->near[0].score, 0.75F);
  EXPECT_EQ(page->label.text, "state=Texas");
  EXPECT_EQ(page->label.source, LabelSource::Truth);
  EXPECT_EQ(page->label.score, 0.93);
  EXPECT_EQ(page->label.from, 2.5);
  EXPECT_FALSE(atlas.page({1, 8}));
}

TEST_F(AtlasStoreFile, VisitsFeaturesInOrder) {
  const AtlasStore atlas(file_);
  std::vector<FeatureId> seen;
  atlas.visit([&](const FeaturePage& page) {
    seen.push_back(page.id);
    return true;
  });
  EXPECT_THAT(seen, ::testing::ElementsAre(FeatureId{0, 0}, FeatureId{1, 7}));
}

TEST_F(AtlasStoreFile, WhatIsNoAtlasIsRefused) {
  EXPECT_THROW(AtlasStore(folder_.path() / "nothing.sqlite"), Error);
  write_file(folder_.path() / "text", "not a database, but longer than its header would be ....");
  EXPECT_THROW(AtlasStore(folder_.path() / "text"), Error);
}

TEST_F(AtlasStoreFile, ADamagedPageIsAnErrorNotACrash) {
  std::string bytes = read_file(file_);
  const std::string label = "state=Texas";
  const std::size_t at = bytes.find(label);
  ASSERT_NE(at, std::string::npos);
  std::size_t noticed = 0;
  for (std::size_t i = at + label.size() + 10; i < at + label.size() + 60; ++i) {
    std::string damaged = bytes;
    damaged[i] = '\xff';
    const auto file = folder_.path() / "damaged.sqlite";
    write_file(file, damaged);
    try {
      AtlasStore(file).page({1, 7});
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::CorruptData);
      ++noticed;
    }
  }
  EXPECT_GT(noticed, 10U) << "numbers may be others, but lengths no longer add up";
}

TEST_F(AtlasStoreFile, APageOfALayerThatIsNotThereIsRefused) {
  pages_.push_back({.id = {2, 0}});
  write_atlas(folder_.path() / "more.sqlite", contents_, pages_);
  const AtlasStore more(folder_.path() / "more.sqlite");
  EXPECT_THROW(more.visit([](const FeaturePage&) { return true; }), Error);
  pages_.back().id = {1, 10};
  write_atlas(folder_.path() / "wide.sqlite", contents_, pages_);
  EXPECT_THROW(AtlasStore(folder_.path() / "wide.sqlite").page({1, 10}), Error);
}

}  // namespace
}  // namespace cajal
