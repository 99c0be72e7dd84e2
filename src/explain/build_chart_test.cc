// A chart of a graph made up here: what adds up, and what each box stands for.
#include "explain/build_chart.h"

#include <gmock/gmock.h>

#include "base/random.h"

namespace cajal {
namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr double kEpsilon = 1e-5;  // rows are f32: a hundred sums of shares
constexpr std::size_t kLayers = 3;
constexpr std::size_t kPositions = 4;

/// 36 features in 3 layers at 3 of 4 positions, connected at random, forwards.
AttributionGraph random_graph() {
  AttributionGraph out;
  out.vocab = 50;
  out.tokens = {1, 7, 8, 9};
  for (std::uint32_t l = 0; l < kLayers; ++l) {
    for (std::uint32_t p = 1; p < kPositions; ++p) {
      for (std::uint32_t f = 0; f < 4; ++f) {
        out.selected.push_back(static_cast<std::uint32_t>(out.active.size()));
        out.active.push_back({l, p, f, 1.0F + static_cast<float>(f)});
      }
    }
  }
  out.counts = {out.active.size(), kLayers, kPositions, 1};
  out.targets = {{.token = 5, .position = 3, .weight = 0.9, .label = " Austin"}};
  const std::size_t rows = out.counts.features + 1;
  out.rows = Matrix::host(rows, out.counts.sources() + kRowConstants, DType::F32);
  out.unselected = Matrix::host(rows, kLayers * kPositions, DType::F32);
  std::fill_n(out.unselected.as<float>().data, rows * kLayers * kPositions, 0.0F);
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t s = 0; s < out.rows.cols(); ++s) {
      const bool later = s < out.counts.features && s >= r / 12 * 12 && r < out.counts.features;
      const bool error = s >= out.counts.features && s < out.counts.embedding(0);
      const double x = 2.0 * random_uniform(3, r, s) - 0.7;
      out.rows.as<float>().at(r, s) = later ? 0.0F : static_cast<float>(error ? 0.1 * x : x);
    }
  }
  return out;
}

ChartAnswer answer() {
  return {.prompt = "the city Dallas",
          .tokens = {"<bos>", " the", " Dal", "las"},
          .text = " Austin",
          .probability = 0.9};
}

class BuildChart : public ::testing::Test {
 protected:
  ChartParts build(const ChartOptions& options = {}) const {
    return build_chart(graph_, flow_, nullptr, answer(), {}, options);
  }
  AttributionGraph graph_ = random_graph();
  GraphFlow flow_{graph_};
};

TEST_F(BuildChart, WordsAndWhatIsNotExplainedAddUpToOne) {
  const ChartParts parts = build();
  double sum = parts.chart.unexplained;
  for (const ChartToken& token : parts.chart.tokens) {
    sum += token.share;
  }
  EXPECT_NEAR(sum, 1.0, kEpsilon);
  const Matrix folded = graph_.folded_rows();
  const GraphScores scores = graph_scores({graph_.counts, folded.ref()}, graph_.weights());
  EXPECT_NEAR(parts.chart.unexplained, 1.0 - scores.replacement.value(), kEpsilon);
  EXPECT_NEAR(parts.chart.completeness, scores.completeness.value(), kEpsilon);
}

TEST_F(BuildChart, AFewIdeasHoldMostOfWhatIsKept) {
  const ChartParts parts = build();
  EXPECT_LE(parts.ideas.size(), 12U);
  EXPECT_GE(parts.chart.ideas_hold, 0.8);
  const std::vector<std::uint32_t> kept = kept_features(graph_, flow_, 0.8);
  for (const FeatureGroup& group : parts.ideas) {
    for (const std::uint32_t node : group.nodes) {
      EXPECT_THAT(kept, Contains(node));
    }
  }
}

TEST_F(BuildChart, WhatTheIdeasLeaveOutIsSaid) {
  ChartOptions options;
  options.ideas.cluster = {.most = 1, .hold = 0.8, .alike = 2.0};
  options.supernodes = {{"mine", {"0_0_1"}}};
  const ChartParts parts = build(options);
  ASSERT_EQ(parts.ideas.size(), 1U);
  EXPECT_EQ(parts.ideas[0].label, "mine");
  EXPECT_LT(parts.chart.ideas_hold, 0.8);
  EXPECT_THAT(parts.chart.notes, Contains(HasSubstr("the ideas hold")));
}

TEST_F(BuildChart, EveryBoxHasItsNodes) {
  const ChartParts parts = build();
  EXPECT_THAT(parts.nodes.at("answer"),
              ElementsAre(static_cast<std::uint32_t>(graph_.counts.target(0))));
  EXPECT_EQ(parts.nodes.at("unexplained").size(), kLayers * kPositions);
  EXPECT_EQ(parts.nodes.at("w2").size(), 2U);
  for (const ChartBox& box : parts.chart.boxes) {
    ASSERT_EQ(parts.nodes.count(box.id), 1U);
    if (box.kind != BoxKind::Answer) {
      EXPECT_NEAR(box.share, flow_.share(parts.nodes.at(box.id)), kEpsilon) << box.id;
      EXPECT_NEAR(box.effect, flow_.effect(parts.nodes.at(box.id)), kEpsilon) << box.id;
    }
  }
  ASSERT_NE(parts.chart.box("w2"), nullptr);
  EXPECT_EQ(parts.chart.box("w2")->label, "Dallas");
}

TEST_F(BuildChart, EdgesJoinBoxesAndAreThoseOfTheGraph) {
  const ChartParts parts = build();
  EXPECT_FALSE(parts.chart.edges.empty());
  for (const ChartEdge& edge : parts.chart.edges) {
    const auto& from = parts.nodes.at(edge.source);
    const auto& to = parts.nodes.at(edge.target);
    EXPECT_NEAR(edge.share, flow_.edge_share(from, to), kEpsilon);
    EXPECT_NEAR(edge.effect, flow_.edge_effect(from, to).effect, kEpsilon);
  }
}

TEST_F(BuildChart, RoutesEndAtTheAnswerByWayOfBoxes) {
  const ChartParts parts = build();
  ASSERT_FALSE(parts.chart.routes.empty());
  for (const ChartRoute& route : parts.chart.routes) {
    EXPECT_EQ(route.boxes.back(), "answer");
    for (const std::string& id : route.boxes) {
      EXPECT_NE(parts.chart.box(id), nullptr) << id;
    }
  }
}

TEST_F(BuildChart, IsTheSameEveryTime) {
  const ChartParts a = build();
  const ChartParts b = build();
  ASSERT_EQ(a.ideas.size(), b.ideas.size());
  for (std::size_t i = 0; i < a.ideas.size(); ++i) {
    EXPECT_EQ(a.ideas[i].nodes, b.ideas[i].nodes);
    EXPECT_EQ(a.ideas[i].label, b.ideas[i].label);
  }
}

TEST_F(BuildChart, LabelsAreDifferent) {
  const ChartParts parts = build();
  std::vector<std::string> labels;
  for (const FeatureGroup& group : parts.ideas) {
    EXPECT_THAT(labels, ::testing::Not(Contains(group.name())));
    EXPECT_FALSE(group.named_by.empty());
    labels.push_back(group.name());
  }
}

TEST_F(BuildChart, OnlyWhatSharesALabelIsToldApart) {
  const ChartParts parts = build();
  for (const FeatureGroup& group : parts.ideas) {
    const auto same =
        std::count_if(parts.ideas.begin(), parts.ideas.end(),
                      [&](const FeatureGroup& other) { return other.label == group.label; });
    EXPECT_EQ(group.apart.empty(), same == 1) << group.name();
  }
  for (std::size_t i = 0; i < parts.ideas.size(); ++i) {
    const ChartBox* box = parts.chart.box("i" + std::to_string(i));
    ASSERT_NE(box, nullptr);
    EXPECT_EQ(box->apart, parts.ideas[i].apart);
  }
}

TEST_F(BuildChart, TokensMustFit) {
  ChartAnswer wrong = answer();
  wrong.tokens.pop_back();
  EXPECT_THAT([&] { build_chart(graph_, flow_, nullptr, wrong); },
              ::testing::ThrowsMessage<Error>(HasSubstr("there are 3 tokens for 4 positions")));
}

TEST_F(BuildChart, AnAtlasNamesIdeas) {
  AtlasView atlas;
  atlas.page = [](FeatureId id) {
    FeaturePage page;
    page.id = id;
    page.label = {"state=Texas", LabelSource::Truth, 0.9};
    page.promoted = {{5, 2.0F}, {6, 1.0F}};
    page.top.resize(1);
    return std::optional(page);
  };
  atlas.piece = [](TokenId token) { return token == 5 ? " Austin" : " Houston"; };
  atlas.example = [](const FeatureExample&) { return ChartExample{"in ", "Dallas", " it"}; };
  ChartOptions options;
  options.ideas.cluster.most = 1;
  ChartParts parts = build_chart(graph_, flow_, nullptr, answer(), atlas, options);
  ASSERT_EQ(parts.ideas.size(), 1U);
  const ChartBox& box = *parts.chart.box("i0");
  EXPECT_EQ(box.label, "Texas");
  EXPECT_THAT(box.named_by, HasSubstr("state=Texas"));
  EXPECT_NEAR(box.confidence, 1.0, kEpsilon);
  EXPECT_THAT(box.promotes, ElementsAre(" Austin", " Houston"));
  EXPECT_EQ(box.examples.front().firing, "Dallas");
  EXPECT_EQ(box.members.front().label, "state=Texas");
  options.ideas.truth = TruthLabels::Hidden;
  parts = build_chart(graph_, flow_, nullptr, answer(), atlas, options);
  EXPECT_NE(parts.ideas.front().label, "Texas");
}

TEST_F(BuildChart, ATruthNamesNothingThatFiresLessThanItWasMeasuredFor) {
  float from = 0.0F;
  for (std::uint32_t node = 0; node < graph_.counts.features; ++node) {
    from = std::max(from, graph_.feature(node).activation);
  }
  AtlasView atlas;
  atlas.piece = [](TokenId) { return " Austin"; };
  atlas.example = [](const FeatureExample&) { return ChartExample{}; };
  const auto labels = [&](double least) {
    atlas.page = [least](FeatureId id) {
      return std::optional(FeaturePage{
          .id = id,
          .label = {.text = "x=y", .source = LabelSource::Truth, .score = 0.9, .from = least}});
    };
    std::vector<std::string> out;
    const ChartParts parts = build_chart(graph_, flow_, nullptr, answer(), atlas);
    for (const ChartBox& box : parts.chart.boxes) {
      for (const ChartMember& member : box.members) {
        out.push_back(member.label);
      }
    }
    return out;
  };
  EXPECT_THAT(labels(0.0), Each("x=y"));
  EXPECT_THAT(labels(2.0 * static_cast<double>(from) + 1.0), Each(""));
  EXPECT_THAT(labels(0.0), Not(IsEmpty()));
}

TEST_F(BuildChart, SupernodesNameSplitAndJoin) {
  const ChartParts parts = build();
  const auto several =
      std::find_if(parts.ideas.begin(), parts.ideas.end(),
                   [](const FeatureGroup& group) { return group.nodes.size() > 1; });
  ASSERT_NE(several, parts.ideas.end());
  const auto at = static_cast<std::size_t>(several - parts.ideas.begin());
  const Json saved = supernodes_json(graph_, parts.ideas);
  const auto read = supernodes_of(Json::object({{"supernodes", saved}}), "graph.json");
  ASSERT_EQ(read.size(), parts.ideas.size());
  const auto as_text = supernodes_of(Json::object({{"supernodes", saved.dump()}}), "graph.json");
  ASSERT_EQ(as_text.size(), read.size());  // as circuit-tracer's page saves them
  EXPECT_EQ(as_text[at].ids, read[at].ids);
  EXPECT_TRUE(supernodes_of(Json::object({{"supernodes", ""}}), "graph.json").empty());
  EXPECT_EQ(with_supernodes({}, graph_, read)[at].nodes, several->nodes);
  const std::vector<Supernode> split = {{"a part", {read[at].ids[0], "9_9_9"}}};
  const std::vector<FeatureGroup> got = with_supernodes(parts.ideas, graph_, split);
  EXPECT_EQ(got[0].label, "a part");
  EXPECT_THAT(got[0].nodes, ElementsAre(several->nodes[0]));
  EXPECT_EQ(got[at + 1].nodes.size(), several->nodes.size() - 1);
  const Json broken = Json::object({{"supernodes", Json(Json::Array{Json(Json::Array{})})}});
  EXPECT_THAT([&] { supernodes_of(broken, "graph.json"); },
              ::testing::ThrowsMessage<Error>(HasSubstr("graph.json: a supernode is empty")));
}

}  // namespace
}  // namespace cajal
