// Reading changes nothing, and edits change exactly what they name.
#include "model/points.h"

#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "model/golden_model_test.h"
#include "model/model.h"
#include "testing/compare.h"

namespace cajal {
namespace {

using testing::golden_model;
using ::testing::HasSubstr;

const std::vector<TokenId> kTokens = {58, 88, 158, 0, 44, 81, 69};

/// A TransformerLens name and ours for the same values. Where a model has no such point, neither
/// name is understood.
struct Alias {
  const char* theirs;
  const char* ours;
};
constexpr Alias kAliases[] = {
    {"blocks.1.hook_resid_pre", "resid_pre.1"},
    {"blocks.1.attn.hook_in", "attn_in.1"},
    {"blocks.1.attn.hook_rot_q", "q.1"},
    {"blocks.1.attn.hook_rot_k", "k.1"},
    {"blocks.1.attn.hook_v", "value.1"},
    {"blocks.1.attn.hook_attn_scores", "attn_scores.1"},
    {"blocks.1.attn.hook_pattern", "attn_probs.1"},
    {"blocks.1.attn.hook_z", "z.1"},
    {"blocks.1.attn.hook_out", "attn_out.1"},
    {"blocks.1.hook_resid_mid", "resid_mid.1"},
    {"blocks.1.mlp.hook_in", "mlp_in.1"},
    {"blocks.1.ln2.hook_normalized", "mlp_in_normalized.1"},
    {"blocks.1.mlp.hook_pre", "mlp_pre.1"},
    {"blocks.1.mlp.hook_post", "mlp_act.1"},
    {"blocks.1.mlp.hook_router_logits", "router_logits.1"},
    {"blocks.1.mlp.hook_expert_weights", "router_weights.1"},
    {"blocks.1.mlp.hook_expert_indices", "router_index.1"},
    {"blocks.1.mlp.hook_out", "mlp_out.1"},
    {"blocks.1.hook_resid_post", "resid_post.1"},
    {"ln_final.hook_out", "final_norm"},
    {"unembed.hook_presoftcap", "logits_presoftcap"},
    {"lm_head", "logits"},
};

struct FamilyCase {
  std::string model;
  std::string backend;
};

class Points : public ::testing::TestWithParam<FamilyCase> {
 protected:
  void SetUp() override {
    model_ = testing::golden_model(GetParam().model);
    if (!testing::have_or_skip(model_ != nullptr, "golden",
                               "no golden model " + GetParam().model)) {
      return;
    }
    backend_ = GetParam().backend == "ref" ? make_reference_backend() : make_cpu_backend();
    for (const Point point : points_of(model_->config())) {
      names_.insert(name_of(point));
    }
  }
  Matrix run(const PointSet* points) {
    KvCache cache(model_->config(), *backend_, 1);
    const std::int32_t starts[] = {0, static_cast<std::int32_t>(kTokens.size())};
    return model_->forward(*backend_, {kTokens, starts}, cache,
                           {.logits = LogitRows::All, .points = points});
  }
  /// The same with every value at the point taken away and put back: the way to the logits may be
  /// another than without an edit, so this is what edits are to be compared with.
  Matrix run_with_own_value(Point point) {
    PointSet points;
    points.edit(point, [](MatRef value, const PointContext&) {
      Matrix copy = Matrix::host(value.rows, value.cols, value.dtype);
      convert(value, copy.ref());
      const Matrix zeros = zeros_like(value);
      convert(zeros.ref(), value);
      convert(copy.ref(), value);
    });
    return run(&points);
  }
  static Matrix zeros_like(ConstMatRef m) {
    Matrix out = Matrix::host(m.rows, m.cols, m.dtype);
    std::fill_n(out.ref().data, m.rows * m.cols * size_of(m.dtype), std::byte{0});
    return out;
  }
  bool has(const std::string& name) const { return names_.count(name) != 0; }

  std::shared_ptr<const Model> model_;
  std::unique_ptr<Backend> backend_;
  std::set<std::string> names_;
};

TEST_P(Points, EveryNameIsUnderstood) {
  if (IsSkipped()) {
    return;
  }
  for (const Point point : points_of(model_->config())) {
    EXPECT_EQ(parse_point(name_of(point), model_->config()), point) << name_of(point);
  }
}

TEST_P(Points, EveryNameOfTransformerLensIsUnderstoodWhereItsPointExists) {
  if (IsSkipped()) {
    return;
  }
  for (const auto& [theirs, ours] : kAliases) {
    if (has(ours)) {
      EXPECT_EQ(name_of(parse_point(theirs, model_->config())), ours) << theirs;
    } else {
      EXPECT_THROW(parse_point(theirs, model_->config()), Error) << theirs;
      EXPECT_THROW(parse_point(ours, model_->config()), Error) << ours;
    }
  }
}

TEST_P(Points, NamesThatMeanTheSameInSomeModelsOnlyAreUnderstoodThere) {
  if (IsSkipped()) {
    return;
  }
  const ModelConfig& config = model_->config();
  const auto expect = [&](const char* theirs, const char* ours, bool same) {
    if (same) {
      EXPECT_EQ(name_of(parse_point(theirs, config)), ours) << theirs;
    } else {
      EXPECT_THROW(parse_point(theirs, config), Error) << theirs;
    }
  };
  const bool rotates = config.layer[1].rope.has_value();
  expect("blocks.1.attn.hook_q", "q.1", !rotates);  // theirs are those before rotation
  expect("blocks.1.attn.hook_k", "k.1", !rotates);
  expect("hook_embed", "embeddings", !config.learned_positions);  // theirs lacks the positions
}

TEST_P(Points, TheNamesOfWhatABranchAddsMeanItsOutputWhereNothingFollowsIt) {
  if (IsSkipped()) {
    return;
  }
  for (const std::string branch : {"attn", "mlp"}) {
    const std::string post = branch + "_out_post.1";
    EXPECT_EQ(name_of(parse_point("blocks.1.hook_" + branch + "_out", model_->config())),
              has(post) ? post : branch + "_out.1");
  }
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
  const Matrix plain = run(nullptr);
  PointSet points;
  std::size_t seen = 0;
  for (const Point point : points_of(model_->config())) {
    points.read(point, [&seen](ConstMatRef /*value*/, const PointContext&) { ++seen; });
  }
  const Matrix watched = run(&points);
  EXPECT_EQ(seen, points_of(model_->config()).size());
  EXPECT_EQ(testing::largest_error(plain.ref(), watched.ref()), 0.0);
}

TEST_P(Points, APassThatIsNotKeptGivesTheSameValuesAndLeavesTheCacheAsItWas) {
  if (IsSkipped()) {
    return;
  }
  const std::int32_t starts[] = {0, static_cast<std::int32_t>(kTokens.size())};
  for (const Point point : points_of(model_->config())) {
    if (!has_layer(point.kind)) {
      continue;
    }
    const auto read = [&](bool keep) {
      Matrix out;
      PointSet points;
      points.read(point, [&](ConstMatRef value, const PointContext&) {
        out = Matrix::host(value.rows, value.cols, value.dtype);
        convert(value, out.ref());
      });
      KvCache cache(model_->config(), *backend_, 1);
      model_->forward(*backend_, {kTokens, starts}, cache,
                      {.logits = LogitRows::None, .points = &points, .keep = keep});
      EXPECT_EQ(cache.length(0), keep ? kTokens.size() : 0);
      return out;
    };
    EXPECT_EQ(testing::largest_error(read(false).ref(), read(true).ref()), 0.0) << name_of(point);
  }
}

TEST_P(Points, APassThatIsNotKeptTakesNoMoreRoomThanItsTokens) {
  if (IsSkipped()) {
    return;
  }
  const std::int32_t starts[] = {0, static_cast<std::int32_t>(kTokens.size())};
  for (const bool keep : {false, true}) {
    KvCache cache(model_->config(), *backend_, 1);
    model_->forward(*backend_, {kTokens, starts}, cache, {.keep = keep});
    EXPECT_EQ(cache.capacity(0) > kTokens.size(), keep);
  }
}

TEST(PointSets, TellHowFarAPassHasToGo) {
  const PointReader nothing = [](ConstMatRef, const PointContext&) {};
  PointSet points;
  EXPECT_EQ(points.layers_needed(4), 0);
  points.read({PointKind::Embeddings}, nothing);
  EXPECT_EQ(points.layers_needed(4), 0);
  points.read({PointKind::ResidPre, 0}, nothing);
  EXPECT_EQ(points.layers_needed(4), 1);
  points.edit({PointKind::MlpOut, 2}, RowEdit{.kind = EditKind::Scale});
  EXPECT_EQ(points.layers_needed(4), 3);
  points.read({PointKind::FinalNorm}, nothing);
  EXPECT_EQ(points.layers_needed(4), 4);
}

TEST_P(Points, SettingAPointToItsOwnValueChangesNothing) {
  if (IsSkipped()) {
    return;
  }
  const Matrix plain = run(nullptr);
  // One rounding where a gain is applied apart: a hundred times the unit of the largest logit.
  const double unit = plain.dtype() == DType::F64 ? 0x1p-53 : 0x1p-24;
  const double largest = testing::largest_error(plain.ref(), zeros_like(plain.ref()).ref());
  for (const Point point : points_of(model_->config())) {
    EXPECT_LE(testing::largest_error(run_with_own_value(point).ref(), plain.ref()),
              100.0 * unit * std::max(largest, 1.0))
        << name_of(point);
  }
}

TEST_P(Points, EveryPointCanBeEdited) {
  if (IsSkipped()) {
    return;
  }
  for (const Point point : points_of(model_->config())) {
    if (point.kind == PointKind::RouterIndex) {
      continue;  // numbers of experts: scaled ones would name others
    }
    const Matrix plain = run_with_own_value(point);
    PointSet points;
    points.edit(point,
                RowEdit{.kind = EditKind::Scale, .begin = 2, .end = 5, .value = {}, .factor = 0.5});
    const Matrix changed = run(&points);
    EXPECT_GT(testing::largest_error(changed.ref(), plain.ref()), 1e-9)
        << name_of(point) << " had no effect";
    EXPECT_EQ(testing::largest_error(changed.ref().row_range(0, 2), plain.ref().row_range(0, 2)),
              0.0)
        << name_of(point) << " changed tokens before the edited ones";
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

std::vector<FamilyCase> family_cases() {
  std::vector<FamilyCase> out;
  for (const char* model : {"gpt2", "gemma2", "gpt_neox", "olmo2", "granite", "mixtral", "gpt_oss",
                            "qwen2_moe", "cohere", "phi3_longrope"}) {
    for (const char* backend : {"ref", "cpu"}) {
      out.push_back({model, backend});
    }
  }
  return out;
}

INSTANTIATE_TEST_SUITE_P(Families, Points, ::testing::ValuesIn(family_cases()),
                         [](const auto& test) {
                           return test.param.model + "_" + test.param.backend;
                         });

}  // namespace
}  // namespace cajal
