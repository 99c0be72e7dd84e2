// Reading changes nothing, and edits change exactly what they name.
#include "model/points.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "model/model.h"
#include "testing/golden.h"

namespace cajal {
namespace {

using ::testing::HasSubstr;

std::shared_ptr<const Model> golden_model(const std::string& name) {
  for (const auto& folder : testing::golden_folders("models")) {
    if (folder.filename() == name) {
      return Model::load(folder);
    }
  }
  return nullptr;
}

const std::vector<TokenId> kTokens = {58, 88, 158, 0, 44, 81, 69};

class Points : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    model_ = golden_model(GetParam());
    if (!testing::have_or_skip(model_ != nullptr, "golden", "no golden model " + GetParam())) {
      return;
    }
    backend_ = make_reference_backend();
  }
  Matrix run(const PointSet* points) {
    KvCache cache(model_->config(), *backend_, 1);
    const std::int32_t starts[] = {0, static_cast<std::int32_t>(kTokens.size())};
    return model_->forward(*backend_, {kTokens, starts}, cache,
                           {.logits = LogitRows::All, .points = points});
  }
  static double largest_difference(const Matrix& a, const Matrix& b) {
    double worst = 0.0;
    for (std::size_t r = 0; r < a.rows(); ++r) {
      for (std::size_t c = 0; c < a.cols(); ++c) {
        worst = std::max(worst, std::abs(element(a.ref(), r, c) - element(b.ref(), r, c)));
      }
    }
    return worst;
  }

  std::shared_ptr<const Model> model_;
  std::unique_ptr<Backend> backend_;
};

TEST_P(Points, NamesAndAliasesOfEveryPointAreUnderstood) {
  if (IsSkipped()) {
    return;
  }
  for (const Point point : points_of(model_->config())) {
    EXPECT_EQ(parse_point(name_of(point), model_->config()), point) << name_of(point);
  }
  const Point post = parse_point("blocks.1.hook_resid_post", model_->config());
  EXPECT_EQ(name_of(post), "resid_post.1");
  EXPECT_EQ(name_of(parse_point("lm_head", model_->config())), "logits");
}

TEST_P(Points, AnUnknownNameIsAnErrorThatSuggestsTheNearest) {
  if (IsSkipped()) {
    return;
  }
  for (const char* bad : {"resid_pots.1", "resid_post.99", "blocks.x.hook_z", "", "z",
                          "resid_post.", "blocks.0", "logits.0"}) {
    try {
      parse_point(bad, model_->config());
      ADD_FAILURE() << "'" << bad << "' was taken";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::NotFound);
      EXPECT_THAT(error.what(), HasSubstr("did you mean"));
    }
  }
  try {
    parse_point("resid_pots.1", model_->config());
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("resid_post.1"));
  }
}

TEST_P(Points, ReadingEveryPointChangesNoBit) {
  if (IsSkipped()) {
    return;
  }
  for (const auto& make : {make_reference_backend, make_cpu_backend}) {
    backend_ = make();
    const Matrix plain = run(nullptr);
    PointSet points;
    std::size_t seen = 0;
    for (const Point point : points_of(model_->config())) {
      points.read(point, [&seen](ConstMatRef /*value*/, const PointContext&) { ++seen; });
    }
    const Matrix watched = run(&points);
    EXPECT_EQ(seen, points_of(model_->config()).size());
    EXPECT_EQ(largest_difference(plain, watched), 0.0) << backend_->name();
  }
}

TEST_P(Points, SettingAPointToItsOwnValueChangesNothing) {
  if (IsSkipped()) {
    return;
  }
  const Matrix plain = run(nullptr);
  const double max = 1e-12 * 100;  // one rounding in double where a gain is applied apart
  for (const Point point : points_of(model_->config())) {
    PointSet points;
    points.edit(point, [](MatRef, const PointContext&) {});
    EXPECT_LE(largest_difference(plain, run(&points)), max) << name_of(point);
  }
}

TEST_P(Points, EveryPointCanBeEdited) {
  if (IsSkipped()) {
    return;
  }
  const Matrix plain = run(nullptr);
  for (const Point point : points_of(model_->config())) {
    if (point.kind == PointKind::RouterIndex) {
      continue;  // numbers of experts: scaled ones would name others
    }
    PointSet points;
    points.edit(point,
                RowEdit{.kind = EditKind::Scale, .begin = 2, .end = 5, .value = {}, .factor = 0.5});
    const Matrix changed = run(&points);
    EXPECT_GT(largest_difference(plain, changed), 1e-9) << name_of(point) << " had no effect";
    for (std::size_t r = 0; r < 2; ++r) {  // earlier tokens cannot know
      for (std::size_t c = 0; c < plain.cols(); ++c) {
        ASSERT_EQ(element(plain.ref(), r, c), element(changed.ref(), r, c)) << name_of(point);
      }
    }
  }
}

TEST_P(Points, EditsAreWhatLaterReadersSee) {
  if (IsSkipped()) {
    return;
  }
  PointSet points;
  const Point where{PointKind::ResidPost, 0};
  points.edit(where, RowEdit{.kind = EditKind::Set, .begin = 1, .end = 2, .value = {3.0}});
  points.edit(where, RowEdit{.kind = EditKind::Add, .begin = 1, .end = 2, .value = {0.5}});
  bool read = false;
  points.read({PointKind::ResidPre, 1}, [&](ConstMatRef value, const PointContext& context) {
    read = true;
    EXPECT_EQ(element(value, 1, 0), 3.5);
    EXPECT_NE(element(value, 0, 0), 3.5);
    EXPECT_EQ(context.positions[1], 1);
  });
  run(&points);
  EXPECT_TRUE(read);
}

TEST_P(Points, AnEditOfTheWrongWidthIsRefused) {
  if (IsSkipped()) {
    return;
  }
  PointSet points;
  points.edit({PointKind::ResidPost, 0}, RowEdit{.kind = EditKind::Add, .value = {1.0, 2.0}});
  EXPECT_THROW(run(&points), Error);
}

INSTANTIATE_TEST_SUITE_P(Families, Points,
                         ::testing::Values("gpt2", "gemma2", "gpt_neox", "olmo2", "granite",
                                           "mixtral", "gpt_oss", "qwen2_moe", "cohere",
                                           "phi3_longrope"),
                         [](const auto& test) { return test.param; });

}  // namespace
}  // namespace cajal
