// Ideas of charts that are made up here: what is taken for the same idea.
#include "explain/versus/match_ideas.h"

#include <gmock/gmock.h>

namespace cajal {
namespace {

using ::testing::ElementsAre;

ChartMember member(std::uint32_t layer, std::uint32_t position, std::uint32_t feature, double share,
                   std::string label = "") {
  return {.layer = layer,
          .position = position,
          .feature = feature,
          .activation = 1.0,
          .share = share,
          .label = std::move(label)};
}

ChartBox idea(std::vector<ChartMember> members) {
  ChartBox out = {.id = "i0", .kind = BoxKind::Idea, .members = std::move(members)};
  out.first_layer = out.members.front().layer;
  out.last_layer = out.members.front().layer;
  for (const ChartMember& one : out.members) {
    out.first_layer = std::min(out.first_layer, one.layer);
    out.last_layer = std::max(out.last_layer, one.layer);
  }
  return out;
}

/// Two prompts of five tokens; the second has one more before the last two.
std::vector<SharedRole> roles() {
  return {{0, 0}, {1, 1}, {2, 2}, {std::nullopt, 3}, {3, 4}, {4, 5}};
}

TEST(MatchIdeas, TheSameFeaturesAtTheSamePlacesAreOneIdea) {
  const ChartBox first = idea({member(2, 1, 7, 0.3), member(3, 1, 9, 0.1)});
  EXPECT_NEAR(likeness(first, first, roles()), 1.0, 1e-12);
  // Half as strong, but in the same proportions.
  const ChartBox weaker = idea({member(2, 1, 7, 0.15), member(3, 1, 9, 0.05)});
  EXPECT_NEAR(likeness(first, weaker, roles()), 1.0, 1e-12);
}

TEST(MatchIdeas, PlacesAreComparedByTheirRoles) {
  const ChartBox first = idea({member(2, 4, 7, 0.3)});
  EXPECT_EQ(likeness(first, idea({member(2, 5, 7, 0.3)}), roles()), 1.0);
  EXPECT_EQ(likeness(first, idea({member(2, 4, 7, 0.3)}), roles()), 0.0);
  EXPECT_EQ(likeness(first, idea({member(2, 3, 7, 0.3)}), roles()), 0.0);
}

TEST(MatchIdeas, OverlapsCountByShare) {
  const ChartBox first = idea({member(2, 1, 7, 0.3), member(2, 1, 8, 0.1)});
  const ChartBox second = idea({member(2, 1, 7, 0.2), member(2, 1, 9, 0.2)});
  EXPECT_NEAR(likeness(first, second, roles()), 0.5, 1e-12);
}

TEST(MatchIdeas, OneLabelAtOneRoleIsHalfOfLikenessIfLayersMeet) {
  const ChartBox texas = idea({member(4, 1, 7, 0.3, "state=Texas")});
  EXPECT_EQ(likeness(texas, idea({member(4, 1, 8, 0.1, "state=Texas")}), roles()), 0.5);
  EXPECT_EQ(likeness(texas, idea({member(4, 1, 8, 0.1, "state=Ohio")}), roles()), 0.0);
  EXPECT_EQ(likeness(texas, idea({member(4, 2, 8, 0.1, "state=Texas")}), roles()), 0.0);
  EXPECT_EQ(likeness(texas, idea({member(6, 1, 8, 0.1, "state=Texas")}), roles()), 0.0);
}

TEST(MatchIdeas, TheLikestPairGoesFirstAndEachIdeaIsInOne) {
  const std::vector<ChartBox> first = {idea({member(2, 1, 7, 0.2), member(2, 1, 8, 0.2)}),
                                       idea({member(2, 1, 8, 0.3)}), idea({member(5, 4, 1, 0.1)})};
  const std::vector<ChartBox> second = {idea({member(2, 1, 8, 0.3)}), idea({member(6, 5, 2, 0.1)})};
  EXPECT_THAT(match_ideas(first, second, roles()),
              ElementsAre(IdeaPair{1, 0, 1.0}, IdeaPair{.first = 0}, IdeaPair{.first = 2},
                          IdeaPair{.second = 1}));
}

TEST(MatchIdeas, WhatIsLittleAlikeIsNotOneIdea) {
  const std::vector<ChartBox> first = {idea({member(2, 1, 7, 0.2), member(2, 1, 8, 0.8)})};
  const std::vector<ChartBox> second = {idea({member(2, 1, 7, 0.2), member(2, 1, 9, 0.8)})};
  EXPECT_EQ(match_ideas(first, second, roles()).size(), 2U);
  EXPECT_EQ(match_ideas(first, second, roles(), 0.1).size(), 1U);
}

TEST(MatchIdeas, ChartsWithoutIdeasHaveNoPairs) {
  const std::vector<ChartBox> some = {idea({member(2, 1, 7, 0.2)})};
  EXPECT_THAT(match_ideas(some, {}, roles()), ElementsAre(IdeaPair{.first = 0}));
  EXPECT_TRUE(match_ideas({}, {}, roles()).empty());
}

}  // namespace
}  // namespace cajal
