// Claims on small models: what is measured is what interventions measure one by one.
#include "explain/claims.h"

#include <cmath>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "dictionary/encode.h"
#include "dictionary/load.h"
#include "explain/controls.h"
#include "intervene/run.h"
#include "testing/golden.h"
#include "trace/trace.h"

namespace cajal {
namespace {

// Activations are kept as float.
constexpr double kFloat = 1e-5;

TEST(JudgedClaim, HoldsWithTheRightSignSizeAndMoreThanControls) {
  const std::vector<double> controls = {0.1, -0.2, 0.3, -0.1};
  const TriedClaim held = judged_claim(-2.0, -1.0, controls);
  EXPECT_TRUE(held.sign && held.size && held.beyond && held.held());
  EXPECT_EQ(held.controls, 4U);
  EXPECT_FALSE(judged_claim(-2.0, 1.0, controls).sign);
  EXPECT_FALSE(judged_claim(-2.0, -0.5, controls).size);
  EXPECT_FALSE(judged_claim(-2.0, -6.1, controls).size);
  EXPECT_TRUE(judged_claim(-2.0, -6.0, controls).size);
  EXPECT_FALSE(judged_claim(-0.5, -0.28, controls).beyond);
  EXPECT_FALSE(judged_claim(-2.0, -1.0, {}).held());
  EXPECT_FALSE(judged_claim(0.0, 0.0, controls).held());
}

TEST(Percentile, IsNumpys) {
  std::vector<double> values;
  for (int i = 20; i > 0; --i) {
    values.push_back(i);
  }
  EXPECT_NEAR(percentile(values, 0.95), 19.05, 1e-12);  // numpy.percentile(range(1, 21), 95)
  EXPECT_EQ(percentile({3.0}, 0.95), 3.0);
  EXPECT_EQ(percentile({}, 0.95), 0.0);
}

/// A golden circuit in double, traced for its likeliest token.
class ClaimsOnACircuit : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::filesystem::path folder = testing::circuit_or_skip("llama_plt_topk");
    if (folder.empty()) {
      return;
    }
    model_ = Model::load(folder / "model");
    dictionary_ = load_dictionary(folder / "transcoders");
    replacement_ = std::make_unique<LocalReplacement>(*backend_, model_, dictionary_, tokens_);
    const std::vector<TraceTarget> targets = salient_logits(*replacement_, 5, 1);
    token_ = static_cast<TokenId>(targets.front().node.token);
    graph_ = trace(*backend_, *replacement_, targets);
    flow_ = std::make_unique<GraphFlow>(graph_);
    ground_ = std::make_unique<ClaimGround>(
        claim_ground(*backend_, *replacement_, graph_, *flow_, targets.front().row));
  }

  /// Features of a layer; every `step`th.
  std::vector<std::uint32_t> group(std::uint32_t layer, std::size_t step) const {
    std::vector<std::uint32_t> out;
    std::size_t seen = 0;
    for (std::uint32_t node = 0; node < graph_.counts.features; ++node) {
      if (graph_.feature(node).layer == layer && seen++ % step == 0) {
        out.push_back(node);
      }
    }
    return out;
  }
  Claims claims() const {
    Claims out = {.groups = {group(0, 2), group(1, 3)}, .edges = {{0, 1}}};
    out.groups.push_back({static_cast<std::uint32_t>(graph_.counts.embedding(2))});
    out.edges.push_back({2, 1});
    return out;
  }
  /// The target's logit less the mean of all.
  double value(ConstMatRef logits) const {
    double mean = 0.0;
    for (std::size_t v = 0; v < logits.cols; ++v) {
      mean += element(logits, logits.rows - 1, v) / static_cast<double>(logits.cols);
    }
    return element(logits, logits.rows - 1, static_cast<std::size_t>(token_)) - mean;
  }
  std::unique_ptr<InterventionRun> run_of(const BatchCase& one) {
    Interventions all = {.features = one.features, .points = {}, .frozen = {}};
    for (const EmbeddingEdit& edit : one.embeddings) {
      all.points.push_back({.point = "embeddings",
                            .positions = Positions::at(edit.position),
                            .change = {ChangeKind::Add, 1.0},
                            .direction = edit.add});
    }
    return std::make_unique<InterventionRun>(*backend_, model_, dictionary_, tokens_, all,
                                             InterventionOptions{.record = Record::Activations});
  }
  double measured(const BatchCase& one) {
    return value(run_of(one)->forward().ref()) - value(run_of({})->forward().ref());
  }
  /// |x| / |x - what the feature writes| of the stream before the final norm.
  double norm_ratio(std::uint32_t node) {
    const Point point = {PointKind::ResidPost, model_->config().layers - 1};
    const auto clean =
        read_prompt(*backend_, *model_, tokens_, std::span(&point, 1), Precision::F32);
    const ActiveFeature& f = graph_.feature(node);
    const std::size_t index = *dictionary_->index_of(f.layer);
    const ConstMatRef decoder = dictionary_->decoder_row(index, f.feature, index);
    double before = 0.0;
    double after = 0.0;
    for (std::size_t c = 0; c < decoder.cols; ++c) {
      const double x = element(clean.at.at(point).ref(), f.position, c);
      const double y = x - static_cast<double>(f.activation) * element(decoder, 0, c);
      before += x * x / static_cast<double>(decoder.cols);
      after += y * y / static_cast<double>(decoder.cols);
    }
    const double epsilon = model_->config().norm_epsilon;
    return std::sqrt((before + epsilon) / (after + epsilon));
  }
  void expect_heads(const Chart& chart, std::size_t e, const std::vector<std::uint32_t>& from,
                    const std::vector<std::uint32_t>& to) {
    const ChartEdge& edge = chart.edges[e];
    double sum = edge.bypass + edge.other_heads;
    for (const ChartHead& head : edge.heads) {
      sum += head.effect;
    }
    const double want = flow_->edge_effect(from, to).effect;
    EXPECT_NEAR(sum, want, 1e-5 * std::max(1.0, std::abs(want))) << e;
    EXPECT_LE(edge.heads.size(), 4U);
  }
  std::map<FeaturePlace, double> activations_of(InterventionRun& run) {
    run.forward();
    std::map<FeaturePlace, double> out;
    const std::vector<SparseRows> codes = run.take_activations();
    for (std::uint32_t node = 0; node < graph_.counts.features; ++node) {
      const ActiveFeature& f = graph_.feature(node);
      double& to = out[{f.layer, f.position, f.feature}];
      const SparseRows::Row row = codes[f.layer].row(f.position);
      for (std::size_t i = 0; i < row.size(); ++i) {
        to = row.columns[i] == f.feature ? static_cast<double>(row.values[i]) : to;
      }
    }
    return out;
  }

  std::unique_ptr<Backend> backend_ = make_reference_backend();
  std::shared_ptr<const Model> model_;
  std::shared_ptr<const Dictionary> dictionary_;
  std::vector<TokenId> tokens_ = {1, 7, 44, 73, 20, 9};
  TokenId token_ = 0;
  std::unique_ptr<LocalReplacement> replacement_;
  AttributionGraph graph_;
  std::unique_ptr<GraphFlow> flow_;
  std::unique_ptr<ClaimGround> ground_;
};

TEST_F(ClaimsOnACircuit, AreTriedOnThePromptThatWasTraced) {
  const InterventionBatch batch = batch_on(*ground_);
  const double value = value_at(ground_->value, batch.final_norm(), 0);
  EXPECT_NEAR(value, ground_->value.value, 1e-9 * std::max(1.0, std::abs(value)));
  const ActiveFeature& f = graph_.feature(0);
  EXPECT_NEAR(batch.activation({f.layer, f.position, f.feature}), static_cast<double>(f.activation),
              kFloat);
}

TEST_F(ClaimsOnACircuit, MeasureWhatInterventionsMeasureOneByOne) {
  const Claims given = claims();
  const ClaimTests tests = test_claims(*ground_, given, {.controls = 3, .seed = 5});
  ControlGroups controls(*ground_, 5);
  for (std::size_t g = 0; g < given.groups.size(); ++g) {
    const TestedClaim& test = tests.groups[g];
    EXPECT_NEAR(test.claim.measured, measured(controls.off(given.groups[g])), kFloat) << g;
    EXPECT_NEAR(test.claim.predicted, -flow_->effect(given.groups[g]), 1e-12);
    ASSERT_EQ(test.controls.size(), 3U);
    for (std::size_t i = 0; i < 3; ++i) {
      EXPECT_NEAR(test.controls[i], measured(controls.like(given.groups[g], 3 * g + i)), kFloat);
    }
  }
}

TEST_F(ClaimsOnACircuit, MeasureEdgesByTheActivationsOfTheirTargets) {
  const Claims given = claims();
  const ClaimTests tests = test_claims(*ground_, given, {.controls = 2});
  const ControlGroups controls(*ground_, 0);
  auto clean = activations_of(*run_of({}));
  for (std::size_t e = 0; e < given.edges.size(); ++e) {
    const auto& source = given.groups[given.edges[e].source];
    const auto& target = given.groups[given.edges[e].target];
    const EdgeEffect effect = flow_->effect_through(source, target);
    auto changed = activations_of(*run_of(controls.off(source)));
    double want = 0.0;
    for (std::size_t i = 0; i < target.size(); ++i) {
      const ActiveFeature& f = graph_.feature(target[i]);
      const FeaturePlace place = {f.layer, f.position, f.feature};
      want += effect.gains[i] * (changed[place] - clean[place]);
    }
    EXPECT_NEAR(tests.edges[e].claim.predicted, -effect.effect, 1e-12);
    EXPECT_NEAR(tests.edges[e].claim.measured, want, kFloat * std::max(1.0, std::abs(want)));
    EXPECT_NE(want, 0.0);
  }
}

TEST_F(ClaimsOnACircuit, OfTheLastLayerAreSmallChangesThatTheGraphPredicts) {
  // Features of the last layer at the last token reach the target through the final norm alone.
  std::vector<std::uint32_t> last;
  for (const std::uint32_t node :
       group(static_cast<std::uint32_t>(model_->config().layers - 1), 1)) {
    if (graph_.feature(node).position == 5) {
      last.push_back(node);
    }
  }
  ASSERT_FALSE(last.empty());
  for (const std::uint32_t node : last) {
    const ClaimTests tests = test_claims(*ground_, {.groups = {{node}}, .edges = {}});
    const TriedClaim& claim = tests.groups[0].claim;
    // The norm turns x to x - w: measured is (d.x' / |x'| - d.x / |x|), of which the graph has the
    // part that keeps |x|; the rest is the value times the relative change of the norm.
    const double ratio = norm_ratio(node);
    const double clean = value(run_of({})->forward().ref());
    EXPECT_NEAR(claim.measured, (clean + claim.predicted) * ratio - clean, kFloat);
  }
}

TEST_F(ClaimsOnACircuit, GiveTheSameNumbersForTheSameSeed) {
  const Claims given = claims();
  const ClaimTests a = test_claims(*ground_, given, {.controls = 4, .seed = 3});
  const ClaimTests b = test_claims(*ground_, given, {.controls = 4, .seed = 3});
  const ClaimTests c = test_claims(*ground_, given, {.controls = 4, .seed = 4});
  EXPECT_EQ(a.groups[0].controls, b.groups[0].controls);
  EXPECT_EQ(a.edges[1].controls, b.edges[1].controls);
  EXPECT_NE(a.groups[0].controls, c.groups[0].controls);
}

TEST_F(ClaimsOnACircuit, ControlsWriteAsMuchInTheSamePlaces) {
  const std::vector<std::uint32_t> nodes = group(0, 4);
  ControlGroups controls(*ground_, 1);
  const BatchCase control = controls.like(nodes, 7);
  ASSERT_EQ(control.features.size(), nodes.size());
  const auto length = [&](std::size_t layer, std::size_t feature) {
    double squares = 0.0;
    const std::size_t index = *dictionary_->index_of(layer);
    const ConstMatRef row = dictionary_->decoder_row(index, feature, index);
    for (std::size_t c = 0; c < row.cols; ++c) {
      squares += element(row, 0, c) * element(row, 0, c);
    }
    return std::sqrt(squares);
  };
  std::set<FeaturePlace> drawn;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const ActiveFeature& f = graph_.feature(nodes[i]);
    const FeatureEdit& edit = control.features[i];
    EXPECT_EQ(edit.layer, f.layer);
    EXPECT_EQ(edit.positions, Positions::at(f.position));
    EXPECT_NE(edit.feature, f.feature);
    EXPECT_TRUE(drawn.insert({edit.layer, f.position, edit.feature}).second);
    EXPECT_NEAR(-edit.change.value * length(edit.layer, edit.feature),
                static_cast<double>(f.activation) * length(f.layer, f.feature), 1e-9);
  }
  for (const std::uint32_t node : nodes) {
    const ActiveFeature& f = graph_.feature(node);
    EXPECT_FALSE(drawn.contains({f.layer, f.position, f.feature}));
  }
}

TEST_F(ClaimsOnACircuit, RandomGroupsThatChangeAnEdgesTargetAreLeftOut) {
  // Features of one layer at one place: random groups for the first half are drawn from the second.
  std::vector<std::uint32_t> source;
  std::vector<std::uint32_t> target;
  for (const std::uint32_t node : group(0, 1)) {
    if (graph_.feature(node).position == 4) {
      (source.empty() ? source : target).push_back(node);
    }
  }
  ASSERT_FALSE(target.empty());
  constexpr std::size_t kControls = 20;
  ControlGroups controls(*ground_, 2);
  std::size_t apart = 0;
  for (std::uint64_t draw = 0; draw < kControls; ++draw) {
    const std::size_t drawn = controls.like(source, draw).features.front().feature;
    apart += std::none_of(target.begin(), target.end(), [&](std::uint32_t node) {
      return graph_.feature(node).feature == drawn;
    });
  }
  const ClaimTests tests = test_claims(*ground_, {.groups = {source, target}, .edges = {{0, 1}}},
                                       {.controls = kControls, .seed = 2});
  EXPECT_EQ(tests.edges[0].controls.size(), apart);
  EXPECT_LT(apart, kControls);
  EXPECT_EQ(tests.groups[0].controls.size(), kControls);
}

TEST_F(ClaimsOnACircuit, AreAboutTheStrongestEdges) {
  Claims given = claims();
  given.groups.push_back(group(0, 4));  // all in the first
  given.groups.push_back(group(1, 1));  // the second is in it
  const auto share = [&](const ClaimEdge& edge) {
    return flow_->edge_share(given.groups[edge.source], given.groups[edge.target]);
  };
  const std::vector<ClaimEdge> all = strongest_edges(*flow_, given.groups, 0.0, 100);
  // Two groups of each of the two layers, of which either pair overlaps, and a word before them.
  EXPECT_EQ(all.size(), 12U);
  for (std::size_t i = 1; i < all.size(); ++i) {
    EXPECT_GE(share(all[i - 1]), share(all[i]));
  }
  const double least = share(all[2]);
  EXPECT_EQ(strongest_edges(*flow_, given.groups, least, 100).size(), 3U);
  EXPECT_EQ(strongest_edges(*flow_, given.groups, 0.0, 2).size(), 2U);
  EXPECT_TRUE(strongest_edges(*flow_, given.groups, 1.1, 100).empty());
}

TEST_F(ClaimsOnACircuit, StopWhenAskedTo) {
  std::stop_source stop;
  stop.request_stop();
  try {
    test_claims(*ground_, claims(), {.controls = 0, .cancel = stop.get_token()});
    ADD_FAILURE() << "they were tried";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::Cancelled);
  }
}

TEST_F(ClaimsOnACircuit, RefuseWhatCannotBeTried) {
  const auto target = static_cast<std::uint32_t>(graph_.counts.target(0));
  const auto word = static_cast<std::uint32_t>(graph_.counts.embedding(1));
  EXPECT_THROW(test_claims(*ground_, {.groups = {{target}}, .edges = {}}), Error);
  EXPECT_THROW(test_claims(*ground_, {.groups = {{0}, {word}}, .edges = {{0, 1}}}), Error);
  EXPECT_THROW(test_claims(*ground_, {.groups = {{0}, {0, 1}}, .edges = {{0, 1}}}), Error);
  EXPECT_THROW(test_claims(*ground_, {.groups = {{0}}, .edges = {{0, 3}}}), Error);
}

TEST_F(ClaimsOnACircuit, FillAChart) {
  Chart chart;
  const auto word = static_cast<std::uint32_t>(graph_.counts.embedding(2));
  const auto target = static_cast<std::uint32_t>(graph_.counts.target(0));
  const BoxNodes nodes = {
      {"w2", {word}}, {"i0", group(0, 2)}, {"i1", group(1, 3)}, {"answer", {target}}};
  chart.boxes = {{.id = "w2", .kind = BoxKind::Word},
                 {.id = "i0", .kind = BoxKind::Idea},
                 {.id = "i1", .kind = BoxKind::Idea},
                 {.id = "answer", .kind = BoxKind::Answer},
                 {.id = "unexplained", .kind = BoxKind::Unexplained}};
  const auto edge = [&](const char* source, const char* to) {
    chart.edges.push_back({.source = source, .target = to});
  };
  edge("w2", "i0");
  edge("i0", "i1");
  edge("i1", "answer");
  edge("w2", "answer");
  edge("unexplained", "answer");
  try_claims(*ground_, nodes, {.controls = 3}, chart);
  find_heads(*ground_, nodes, 4, chart);
  EXPECT_EQ(chart.claims_tried, 5U);  // two ideas, two edges between boxes, one word to the answer
  EXPECT_FALSE(chart.edges[4].claim.has_value());
  EXPECT_EQ(chart.edges[2].claim->measured, chart.boxes[2].claim->measured);
  expect_heads(chart, 0, {word}, group(0, 2));
  expect_heads(chart, 1, group(0, 2), group(1, 3));
  expect_heads(chart, 2, group(1, 3), {target});
}

}  // namespace
}  // namespace cajal
