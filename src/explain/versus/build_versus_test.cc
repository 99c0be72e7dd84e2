// Two prompts of a small model in double: what adds up, and that what is measured is what
// interventions measure one by one.
#include "explain/versus/build_versus.h"

#include <cmath>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dictionary/load.h"
#include "explain/flow.h"
#include "intervene/run.h"
#include "testing/golden.h"
#include "trace/trace.h"

namespace cajal {
namespace {

constexpr double kActivationError = 1e-5;  // activations are kept as float

/// A prompt, traced for what one token's logit has more than another's.
struct Traced {
  std::vector<TokenId> tokens;
  std::unique_ptr<LocalReplacement> replacement;
  AttributionGraph graph;
  std::unique_ptr<GraphFlow> flow;
  std::unique_ptr<ClaimGround> ground;
  ChartParts parts;
};

class Versus : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::filesystem::path folder = testing::circuit_or_skip("llama_plt_topk");
    if (folder.empty()) {
      return;
    }
    model_ = Model::load(folder / "model");
    dictionary_ = load_dictionary(folder / "transcoders");
  }

  Traced traced(std::vector<TokenId> tokens, TokenId token, TokenId other) {
    Traced out;
    out.tokens = std::move(tokens);
    out.replacement =
        std::make_unique<LocalReplacement>(*backend_, model_, dictionary_, out.tokens);
    const TraceTarget target = why_not(*out.replacement, token, other, out.tokens.size() - 1);
    out.graph = trace(*backend_, *out.replacement, std::span(&target, 1));
    out.flow = std::make_unique<GraphFlow>(out.graph);
    out.ground = std::make_unique<ClaimGround>(
        claim_ground(*backend_, *out.replacement, out.graph, *out.flow, target.row));
    ChartAnswer answer = {.prompt = "p", .tokens = {}, .text = "a", .why_not = "b"};
    for (const TokenId id : out.tokens) {
      answer.tokens.push_back(" w" + std::to_string(id));
    }
    out.parts = build_chart(out.graph, *out.flow, dictionary_.get(), answer, {}, {.members = 9999});
    return out;
  }

  /// The two prompts, explained for opposite things, and what is in `sides_` and `parts_`.
  void compare(std::vector<TokenId> first, std::vector<TokenId> second) {
    first_ = traced(std::move(first), kToken, kOther);
    second_ = traced(std::move(second), kOther, kToken);
    parts_ = build_versus(sides(), {});
  }
  VersusSides sides() const {
    return {{{*first_.ground, first_.parts}, {*second_.ground, second_.parts}}};
  }
  const Traced& prompt(std::size_t i) const { return i == 0 ? first_ : second_; }

  double value(const Interventions& interventions, std::size_t i) {
    InterventionRun run(*backend_, model_, dictionary_, prompt(i).tokens, interventions, {});
    const Matrix logits = run.forward();
    const auto at = [&](TokenId id) {
      return element(logits.ref(), logits.rows() - 1, static_cast<std::size_t>(id));
    };
    return i == 0 ? at(kToken) - at(kOther) : at(kOther) - at(kToken);
  }

  double activation(std::size_t i, const VersusPlace& place) const {
    for (const ActiveFeature& f : prompt(i).replacement->features()) {
      if (f.layer == place.layer && f.feature == place.feature &&
          parts_.roles[place.role].in(i) == f.position) {
        return static_cast<double>(f.activation);
      }
    }
    return 0.0;
  }

  /// A line's features as the other prompt has them.
  Interventions exchange(std::size_t i, const VersusNodes& line) const {
    Interventions out;
    for (const VersusPlace& place : line.features) {
      if (const auto at = parts_.roles[place.role].in(i)) {
        out.features.push_back({.layer = place.layer,
                                .positions = Positions::at(*at),
                                .feature = place.feature,
                                .change = {ChangeKind::Set, activation(1 - i, place)}});
      }
    }
    return out;
  }

  static constexpr TokenId kToken = 25;
  static constexpr TokenId kOther = 34;
  std::unique_ptr<Backend> backend_ = make_reference_backend();
  std::shared_ptr<const Model> model_;
  std::shared_ptr<const Dictionary> dictionary_;
  Traced first_;
  Traced second_;
  VersusParts parts_;
};

TEST_F(Versus, SharesAndEffectsAreThoseOfTheSameFeaturesInEachGraph) {
  compare({1, 7, 44, 73, 20, 9}, {1, 7, 45, 73, 20, 9});
  ASSERT_FALSE(parts_.ideas.empty());
  ASSERT_EQ(parts_.ideas.size(), parts_.chart.ideas.size());
  for (std::size_t line = 0; line < parts_.ideas.size(); ++line) {
    for (std::size_t i = 0; i < kVersusPrompts; ++i) {
      std::vector<std::uint32_t> nodes;
      for (const VersusPlace& place : parts_.ideas[line].features) {
        for (std::uint32_t node = 0; node < prompt(i).graph.counts.features; ++node) {
          const ActiveFeature& f = prompt(i).graph.feature(node);
          if (f.layer == place.layer && f.position == place.role && f.feature == place.feature) {
            nodes.push_back(node);
          }
        }
      }
      std::sort(nodes.begin(), nodes.end());
      const VersusHalf& half = parts_.chart.ideas[line].halves[i];
      EXPECT_NEAR(half.share, prompt(i).flow->share(nodes), 1e-12);
      EXPECT_NEAR(half.effect, prompt(i).flow->effect(nodes), 1e-12);
    }
  }
}

TEST_F(Versus, EveryIdeaOfBothChartsIsInOneLine) {
  compare({1, 7, 44, 73, 20, 9}, {1, 7, 45, 73, 20, 9});
  for (std::size_t i = 0; i < kVersusPrompts; ++i) {
    std::multiset<std::string> shown;
    for (const VersusEntry& entry : parts_.chart.ideas) {
      if (entry.halves[i].box) {
        shown.insert(entry.halves[i].box->id);
      }
    }
    std::multiset<std::string> all;
    for (const ChartBox& box : prompt(i).parts.chart.boxes) {
      if (box.kind == BoxKind::Idea) {
        all.insert(box.id);
      }
    }
    EXPECT_EQ(shown, all);
  }
}

TEST_F(Versus, WhatDoesNotFireInTheOtherIsOnlyInOne) {
  compare({1, 7, 44, 73, 20, 9}, {1, 7, 45, 73, 20, 9});
  for (const VersusEntry& entry : parts_.chart.ideas) {
    if (entry.likeness == 0.0) {
      for (const std::size_t i : {0U, 1U}) {
        const VersusHalf& other = entry.halves[1 - i];
        EXPECT_EQ(entry.where == (i == 0 ? VersusWhere::First : VersusWhere::Second),
                  !other.box && other.fires < 0.5)
            << entry.label;
        EXPECT_TRUE(other.box || entry.halves[i].box) << entry.label;
      }
    } else {
      EXPECT_EQ(entry.where, VersusWhere::Both);
    }
  }
}

TEST_F(Versus, ClaimsMeasureWhatInterventionsMeasureOneByOne) {
  compare({1, 7, 44, 73, 20, 9}, {1, 7, 45, 73, 20, 9});
  try_exchanges(sides(), {.controls = 2}, parts_);
  std::size_t tried = 0;
  for (std::size_t line = 0; line < parts_.ideas.size(); ++line) {
    for (std::size_t i = 0; i < kVersusPrompts; ++i) {
      if (const auto& claim = parts_.chart.ideas[line].halves[i].claim) {
        ++tried;
        EXPECT_NEAR(claim->measured, value(exchange(i, parts_.ideas[line]), i) - value({}, i),
                    kActivationError);
        EXPECT_EQ(claim->controls, 2U);
      }
    }
  }
  EXPECT_GT(tried, 0U);
}

TEST_F(Versus, WhatIsPredictedOfAnExchangeIsWhatItsClaimSays) {
  compare({1, 7, 44, 73, 20, 9}, {1, 7, 45, 73, 20, 9});
  try_exchanges(sides(), {.controls = 1}, parts_);
  for (std::size_t i = 0; i < kVersusPrompts; ++i) {
    const std::vector<PredictedExchange> exchanges = predicted_exchanges(sides(), parts_, i);
    ASSERT_EQ(exchanges.size(), parts_.ideas.size());
    for (std::size_t line = 0; line < exchanges.size(); ++line) {
      for (const FeatureEdit& edit : exchanges[line].features) {
        const VersusPlace place = {static_cast<std::uint32_t>(edit.layer),
                                   static_cast<std::uint32_t>(edit.positions.begin),
                                   static_cast<std::uint32_t>(edit.feature)};
        EXPECT_EQ(edit.change, (Change{ChangeKind::Set, activation(1 - i, place)}));
        EXPECT_NE(activation(0, place), activation(1, place));
      }
      if (const auto& claim = parts_.chart.ideas[line].halves[i].claim) {
        EXPECT_EQ(claim->predicted, exchanges[line].change);
      }
    }
  }
}

TEST_F(Versus, WordsExchangedMakeOnePromptTheOther) {
  compare({1, 7, 44, 73, 20, 9}, {1, 7, 45, 73, 20, 9});
  try_exchanges(sides(), {.controls = 1}, parts_);
  std::size_t tried = 0;
  for (const VersusEntry& entry : parts_.chart.words) {
    for (std::size_t i = 0; i < kVersusPrompts; ++i) {
      if (const auto& claim = entry.halves[i].claim) {
        ++tried;
        EXPECT_NEAR(claim->measured, parts_.chart.value_of_other(i) - parts_.chart.prompts[i].value,
                    kActivationError);
        EXPECT_NEAR(*parts_.chart.way(i, claim->measured), 1.0, kActivationError);
      }
    }
  }
  EXPECT_EQ(tried, 2U);
}

/// Features of the last layer at the last token reach the answer directly, so that what the graph
/// predicts of setting them is the sum of its edges.
TEST_F(Versus, PredictionsOfTheLastLayerAreTheGraphsEdges) {
  compare({1, 7, 44, 73, 20, 9}, {1, 7, 45, 73, 20, 9});
  const auto last = static_cast<std::uint32_t>(model_->config().layers - 1);
  VersusNodes line;
  double want = 0.0;
  for (std::uint32_t node = 0; node < first_.graph.counts.features; ++node) {
    const ActiveFeature& f = first_.graph.feature(node);
    if (f.layer == last && f.position == 5) {
      const VersusPlace place = {f.layer, f.position, f.feature};
      line.features.push_back(place);
      const double now = activation(0, place);
      want += first_.flow->edge(first_.graph.counts.target(0), node) *
              (activation(1, place) - now) / now;
    }
  }
  ASSERT_FALSE(line.features.empty());
  parts_.ideas = {line};
  parts_.chart.ideas.resize(1);
  parts_.chart.words.clear();
  parts_.words.clear();
  parts_.chart.prompts[0].value = parts_.chart.prompts[1].value = 0.0;  // nothing is too small
  try_exchanges(sides(), {.controls = 1}, parts_);
  ASSERT_TRUE(parts_.chart.ideas[0].halves[0].claim.has_value());
  EXPECT_NEAR(parts_.chart.ideas[0].halves[0].claim->predicted, want,
              kActivationError * std::max(1.0, std::abs(want)));
}

TEST_F(Versus, PromptsOfDifferentLengthAreComparedWhereTokensAgree) {
  compare({1, 7, 44, 73, 20, 9}, {1, 7, 45, 46, 73, 20, 9});
  try_exchanges(sides(), {.controls = 1}, parts_);
  const auto differs = std::find_if(parts_.chart.words.begin(), parts_.chart.words.end(),
                                    [](const VersusEntry& entry) { return entry.likeness == 0.0; });
  ASSERT_NE(differs, parts_.chart.words.end());
  for (std::size_t line = 0; line < parts_.ideas.size(); ++line) {
    for (std::size_t i = 0; i < kVersusPrompts; ++i) {
      if (const auto& claim = parts_.chart.ideas[line].halves[i].claim) {
        EXPECT_NEAR(claim->measured, value(exchange(i, parts_.ideas[line]), i) - value({}, i),
                    kActivationError);
      }
    }
  }
}

/// The second prompt's token at position 1 stands for the first's first, where no feature counts:
/// nothing is known of it there.
class VersusWithoutBegin : public Versus {
 protected:
  void SetUp() override {
    Versus::SetUp();
    if (model_) {
      compare({44, 73, 20, 9}, {7, 44, 73, 20, 9});
    }
  }

  static bool at_the_beginning(const VersusPlace& place) { return place.role == 1; }

  /// Of the answer that flows through a feature; 0 where the graph has no row for it.
  double share(std::size_t i, const VersusPlace& place) const {
    for (std::uint32_t node = 0; node < prompt(i).graph.counts.features; ++node) {
      const ActiveFeature& f = prompt(i).graph.feature(node);
      if (f.layer == place.layer && f.feature == place.feature &&
          parts_.roles[place.role].in(i) == f.position) {
        return prompt(i).flow->node_shares()[node];
      }
    }
    return 0.0;
  }

  /// Features of the second prompt where the first begins.
  std::vector<VersusPlace> there() const {
    std::vector<VersusPlace> out;
    for (const ActiveFeature& f : second_.replacement->features()) {
      if (f.position == 1) {
        out.push_back({f.layer, 1, f.feature});
      }
    }
    return out;
  }
};

TEST_F(VersusWithoutBegin, FeaturesWhereTheOtherPromptBeginsAreNotExchanged) {
  ASSERT_EQ(parts_.roles[1], (SharedRole{0, 1}));
  ASSERT_THAT(parts_.left_out, ::testing::ElementsAre(1));
  try_exchanges(sides(), {.controls = 1}, parts_);
  std::size_t tried = 0;
  for (std::size_t line = 0; line < parts_.ideas.size(); ++line) {
    VersusNodes counted = parts_.ideas[line];
    tried += std::erase_if(counted.features, at_the_beginning) > 0 ? 1U : 0U;
    for (std::size_t i = 0; i < kVersusPrompts; ++i) {
      if (const auto& claim = parts_.chart.ideas[line].halves[i].claim) {
        EXPECT_FALSE(counted.features.empty());
        EXPECT_NEAR(claim->measured, value(exchange(i, counted), i) - value({}, i),
                    kActivationError);
      }
    }
  }
  EXPECT_GT(tried, 0U);
}

TEST_F(VersusWithoutBegin, WhatStandsOnlyThereIsNotTriedAndSaysSo) {
  parts_.ideas = {{.features = there(), .words = {}}};
  ASSERT_FALSE(parts_.ideas[0].features.empty());
  parts_.chart.ideas.resize(1);
  parts_.chart.prompts[0].value = parts_.chart.prompts[1].value = 0.0;  // nothing is too small
  try_exchanges(sides(), {.controls = 1}, parts_);
  EXPECT_FALSE(parts_.chart.ideas[0].halves[0].claim.has_value());
  EXPECT_FALSE(parts_.chart.ideas[0].halves[1].claim.has_value());
  EXPECT_FALSE(parts_.chart.prompts[1].all.has_value());
}

TEST_F(VersusWithoutBegin, WhetherAnIdeaFiresIsAskedWhereFeaturesCount) {
  std::size_t lines = 0;
  for (std::size_t line = 0; line < parts_.ideas.size(); ++line) {
    VersusNodes counted = parts_.ideas[line];
    lines += std::erase_if(counted.features, at_the_beginning) > 0 ? 1U : 0U;
    double fires = 0.0;
    double all = 0.0;
    for (const VersusPlace& place : counted.features) {
      const double weight = std::max(share(0, place), share(1, place));
      const double most = std::max(activation(0, place), activation(1, place));
      fires += weight * std::max(activation(0, place), 0.0) / most;
      all += weight;
    }
    EXPECT_NEAR(parts_.chart.ideas[line].halves[0].fires, all > 0.0 ? fires / all : 0.0, 1e-12);
    EXPECT_EQ(parts_.chart.ideas[line].exchangeable, !counted.features.empty());
  }
  EXPECT_GT(lines, 0U);
}

TEST_F(VersusWithoutBegin, WithABeginTokenNothingIsLeftOut) {
  compare({1, 44, 73, 20, 9}, {1, 7, 44, 73, 20, 9});
  EXPECT_TRUE(parts_.left_out.empty());
  compare({44, 73, 20, 9}, {45, 73, 20, 9});
  EXPECT_TRUE(parts_.left_out.empty());
}

}  // namespace
}  // namespace cajal
