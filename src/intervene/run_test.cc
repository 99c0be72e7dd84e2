// Interventions without golden numbers: what they mean, on small models.
#include "intervene/run.h"

#include <array>
#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "dictionary/encode.h"
#include "dictionary/load.h"
#include "model/generate.h"
#include "testing/compare.h"
#include "testing/golden.h"

namespace cajal {
namespace {

using testing::elements;
using testing::golden_folders;

double largest_difference(const std::vector<double>& a, const std::vector<double>& b) {
  EXPECT_EQ(a.size(), b.size());
  double out = 0.0;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    out = std::max(out, std::abs(a[i] - b[i]));
  }
  return out;
}

/// A golden circuit, in double.
class OnACircuit : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::filesystem::path folder = testing::circuit_or_skip("llama_plt_topk");
    if (folder.empty()) {
      return;
    }
    model_ = Model::load(folder / "model");
    dictionary_ = load_dictionary(folder / "transcoders");
    tokens_ = {1, 7, 44, 73, 20, 9};
    other_ = {1, 9, 31, 60, 21, 9};
  }
  std::unique_ptr<InterventionRun> make(const Interventions& interventions,
                                        InterventionOptions options = {}) {
    return std::make_unique<InterventionRun>(*backend_, model_, dictionary_, tokens_, interventions,
                                             options);
  }
  std::vector<double> logits(const Interventions& interventions, InterventionOptions options = {}) {
    return elements(make(interventions, options)->forward().ref());
  }
  Interventions edits(std::initializer_list<const char*> texts) {
    Interventions out;
    for (const char* text : texts) {
      const auto edit = parse_edit(text);
      if (const auto* feature = std::get_if<FeatureEdit>(&edit)) {
        out.features.push_back(*feature);
      } else {
        out.points.push_back(std::get<PointEdit>(edit));
      }
    }
    return out;
  }
  /// Activations of the second layer, position by position.
  SparseRows codes(std::vector<TokenId> tokens) {
    InterventionRun run(*backend_, model_, dictionary_, std::move(tokens), {},
                        {.record = Record::Activations});
    run.forward();
    return run.take_activations()[1];
  }
  FeatureEdit strongest(const SparseRows& rows, std::size_t position) {
    const SparseRows::Row row = rows.row(position);
    std::size_t best = 0;
    for (std::size_t i = 0; i < row.size(); ++i) {
      best = row.values[i] > row.values[best] ? i : best;
    }
    return {.layer = 1,
            .positions = Positions::at(position),
            .feature = row.columns[best],
            .change = {ChangeKind::Set, static_cast<double>(row.values[best])}};
  }
  static Interventions only(const FeatureEdit& edit) {
    return {.features = {edit}, .points = {}, .frozen = {}};
  }

  std::unique_ptr<Backend> backend_ = make_reference_backend();
  std::shared_ptr<const Model> model_;
  std::shared_ptr<const Dictionary> dictionary_;
  std::vector<TokenId> tokens_;
  std::vector<TokenId> other_;
};

// Activations are kept as float.
constexpr double kFloat = 1e-5;

TEST_F(OnACircuit, WithoutAnyTheModelIsItself) {
  EXPECT_EQ(logits({}),
            elements(read_prompt(*backend_, *model_, tokens_, {}, Precision::F32).logits.ref()));
}

TEST_F(OnACircuit, ScaleAndAddReferToTheCleanActivation) {
  FeatureEdit edit = strongest(codes(tokens_), 3);
  const double clean = edit.change.value;
  ASSERT_GT(clean, 0.0);
  edit.change = {ChangeKind::Set, 2.0 * clean};
  const std::vector<double> twice = logits(only(edit));
  edit.change = {ChangeKind::Scale, 2.0};
  EXPECT_LE(largest_difference(logits(only(edit)), twice), kFloat);
  edit.change = {ChangeKind::Add, clean};
  EXPECT_LE(largest_difference(logits(only(edit)), twice), kFloat);
}

TEST_F(OnACircuit, ScaleRefersToTheCleanActivationEvenIfAnEarlierLayerChangedIt) {
  Interventions all = edits({"resid_pre.1:*=*0.5"});
  const FeatureEdit edit = strongest(codes(tokens_), 3);
  all.features.push_back(edit);
  const std::vector<double> set = logits(all);
  all.features[0].change = {ChangeKind::Scale, 1.0};
  EXPECT_LE(largest_difference(logits(all), set), kFloat);
}

TEST_F(OnACircuit, FromTakesTheDonorsActivationTimesAStrength) {
  FeatureEdit edit = strongest(codes(other_), 3);
  edit.change.value *= 1.5;
  const std::vector<double> set = logits(only(edit));
  edit.change = {ChangeKind::From, 1.5};
  EXPECT_LE(largest_difference(logits(only(edit), {.donor = other_}), set), kFloat);
}

TEST_F(OnACircuit, PatchingTheWholeStreamGivesTheOtherPromptsLogits) {
  const auto other = read_prompt(*backend_, *model_, other_, {}, Precision::F32);
  EXPECT_LE(largest_difference(logits(edits({"resid_post.1:*=from"}), {.donor = other_}),
                               elements(other.logits.ref())),
            1e-12);
}

TEST_F(OnACircuit, PatchingPatternsOfTheSamePromptChangesNothing) {
  EXPECT_LE(
      largest_difference(logits(edits({"attn_probs.1:2-4=from"}), {.donor = tokens_}), logits({})),
      1e-12);
}

TEST_F(OnACircuit, SteeringAlongADecoderRowIsAddingToTheFeature) {
  const FeatureEdit add = {1, Positions::at(4), 17, {ChangeKind::Add, 2.5}};
  PointEdit steer = {
      dictionary_->layers()[1].output_point, Positions::at(4), {ChangeKind::Add, 2.5}};
  steer.direction = elements(dictionary_->decoder_row(1, 17, 1));
  EXPECT_LE(largest_difference(logits({.features = {}, .points = {steer}, .frozen = {}}),
                               logits(only(add))),
            kFloat);
}

TEST_F(OnACircuit, OnlyWhatFollowsAnEditChanges) {
  const std::vector<double> before = logits({});
  const std::vector<double> after = logits(edits({"resid_mid.0:3=*2"}));
  const std::size_t vocab = model_->config().vocab;
  EXPECT_TRUE(std::equal(before.begin(), before.begin() + 3 * static_cast<std::ptrdiff_t>(vocab),
                         after.begin()));
  EXPECT_GT(largest_difference(before, after), 1e-3);
}

/// Greedy tokens and their logits.
struct Written {
  std::vector<TokenId> ids;
  std::vector<double> logits;
};

Written write(Backend& backend, const Model& model, const std::vector<TokenId>& prompt,
              PointSet points) {
  Written out;
  points.read({PointKind::Logits, 0}, [&](ConstMatRef value, const PointContext&) {
    const std::vector<double> row = elements(value);
    out.logits.insert(out.logits.end(), row.begin(), row.end());
  });
  GenerateOptions options;
  options.max_tokens = 6;
  options.points = &points;
  out.ids = generate(backend, model, nullptr, std::span(&prompt, 1), options).front().ids;
  return out;
}

TEST_F(OnACircuit, WhereTokensAreGeneratedAddRefersToTheCurrentActivation) {
  const FeatureEdit add = {1, parse_positions("generated"), 17, {ChangeKind::Add, 2.5}};
  PointEdit steer = {dictionary_->layers()[1].output_point, add.positions, {ChangeKind::Add, 2.5}};
  steer.direction = elements(dictionary_->decoder_row(1, 17, 1));
  const auto features = make(only(add));
  const auto points = make({.features = {}, .points = {steer}, .frozen = {}});
  const Written a = write(*backend_, *model_, tokens_, features->points());
  const Written b = write(*backend_, *model_, tokens_, points->points());
  EXPECT_EQ(a.ids, b.ids);
  EXPECT_LE(largest_difference(a.logits, b.logits), kFloat);
  const Written clean = write(*backend_, *model_, tokens_, {});
  EXPECT_GT(largest_difference(a.logits, clean.logits), 1e-3);
}

TEST_F(OnACircuit, GeneratingWithTheCacheEqualsOnePassOverEverything) {
  const auto run = make(edits({"1:3:17=2", "resid_post.0:*=*1.1", "0:2-:40=1"}));
  const Written got = write(*backend_, *model_, tokens_, run->points());
  std::vector<TokenId> all = tokens_;
  all.insert(all.end(), got.ids.begin(), got.ids.end() - 1);
  InterventionRun whole(*backend_, model_, dictionary_, all,
                        edits({"1:3:17=2", "resid_post.0:*=*1.1", "0:2-:40=1"}));
  const Matrix logits = whole.forward();
  const ConstMatRef last = logits.ref();
  EXPECT_LE(
      largest_difference(
          got.logits, elements(last.row_range(tokens_.size() - 1, last.rows - tokens_.size() + 1))),
      kFloat);
}

TEST_F(OnACircuit, AFeatureThatIsNotThereIsRefusedWithTheRange) {
  const auto refusal = [&](const char* text) -> std::string {
    try {
      make(edits({text}));
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(refusal("3:1:0=1"), ::testing::HasSubstr("0 to 2"));
  EXPECT_THAT(refusal("1:1:96=1"), ::testing::HasSubstr("0 to 95"));
  EXPECT_THAT(refusal("1:6:0=1"), ::testing::HasSubstr("0 to 5"));
  EXPECT_THAT(refusal("1:1:0=from"), ::testing::HasSubstr("no other prompt"));
}

TEST_F(OnACircuit, ADonorOfAnotherLengthIsRefusedWithBothNumbers) {
  try {
    make(edits({"1:1:0=from"}), {.donor = {1, 2, 3}});
    ADD_FAILURE() << "it was taken";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("3 tokens and this one 6"));
  }
}

/// With everything frozen a model is linear in what is added, whatever its family.
TEST(FrozenModels, AreLinearInEveryFamily) {
  const auto folders = golden_folders("models");
  if (!testing::have_or_skip(!folders.empty(), "golden", "there are no golden models")) {
    return;
  }
  const auto backend = make_reference_backend();
  std::size_t models = 0;
  for (const auto& folder : folders) {
    if (!std::filesystem::exists(folder / "config.json")) {
      continue;
    }
    SCOPED_TRACE(folder.filename().string());
    const auto model = Model::load(folder);
    const ModelConfig& config = model->config();
    if (config.clip_qkv != 0.0) {
      continue;  // clipped values are no linear function
    }
    ++models;
    std::vector<TokenId> tokens;
    for (std::size_t i = 0; i < 7; ++i) {
      tokens.push_back(static_cast<TokenId>((31 * i * i + 5 * i + 3) % config.vocab));
    }
    PointEdit edit = {"resid_pre.0", Positions::at(2), {ChangeKind::Add, 0.0}};
    for (std::size_t c = 0; c < config.d_model; ++c) {
      edit.direction.push_back(std::sin(static_cast<double>(3 * c + 1)));
    }
    const auto final_norm = [&](double by) {
      edit.change.value = by;
      InterventionRun run(*backend, model, nullptr, tokens,
                          {.features = {},
                           .points = {edit},
                           .frozen = {.layers = std::pair(std::size_t{0}, config.layers)}});
      PointSet points = run.points();
      std::vector<double> out;
      points.read({PointKind::FinalNorm, 0},
                  [&](ConstMatRef value, const PointContext&) { out = elements(value); });
      KvCache cache(config, *backend, 1);
      const std::array<std::int32_t, 2> starts = {0, 7};
      model->forward(*backend, {tokens, starts}, cache,
                     {.logits = LogitRows::All, .points = &points});
      return out;
    };
    const std::vector<double> zero = final_norm(0.0);
    const std::vector<double> one = final_norm(1.0);
    const std::vector<double> five = final_norm(5.0);
    double size = 0.0;
    double residual = 0.0;
    for (std::size_t i = 0; i < zero.size(); ++i) {
      size = std::max({size, std::abs(five[i]), std::abs(zero[i])});
      residual = std::max(residual, std::abs((five[i] - zero[i]) - 5.0 * (one[i] - zero[i])));
    }
    EXPECT_GT(largest_difference(five, zero), 1e-3 * size);
    EXPECT_LE(residual, 1e4 * 2.3e-16 * size);
  }
  EXPECT_GT(models, 0U);
}

}  // namespace
}  // namespace cajal
