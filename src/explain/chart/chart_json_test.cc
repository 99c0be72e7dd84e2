#include "explain/chart/chart_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "explain/chart/dallas_chart_test.h"
#include "testing/files.h"

namespace cajal {
namespace {

using ::testing::HasSubstr;

Chart read_back(const Chart& chart) {
  return chart_from_json(Json::parse(to_json(chart).dump(), "chart"), "chart");
}

std::string refusal(const Json& json) {
  return testing::thrown_by([&] { chart_from_json(json, "chart.json"); }).message;
}

/// The chart with one member of its JSON replaced: `path` such as "edges.0.share".
Json damaged(const std::string& member, Json value) {
  return to_json(testing::dallas_chart()).set(member, std::move(value));
}

TEST(ChartJson, ReadsBackEveryMemberAsItWas) {
  Chart chart = testing::dallas_chart();
  chart.boxes[3].apart = "layer 6";
  EXPECT_TRUE(read_back(chart) == chart);
}

TEST(ChartJson, KeepsNumbersThatNoShortTextHas) {
  Chart chart = testing::dallas_chart();
  chart.boxes[3].claim->measured = -1.0 / 3.0;
  chart.largest_residual = 5e-324;
  EXPECT_TRUE(read_back(chart) == chart);
}

TEST(ChartJson, KeepsTextsThatLookLikeMarkup) {
  const Chart chart = testing::crowded_chart(1);
  EXPECT_TRUE(read_back(chart) == chart);
}

TEST(ChartJson, AnEmptyChartIsOne) {
  EXPECT_TRUE(read_back(Chart{}) == Chart{});
}

TEST(ChartJson, NamesTheMemberThatIsMissing) {
  Json json = to_json(testing::dallas_chart());
  Json without(Json::Object{});
  for (const auto& [name, value] : json.as_object("")) {
    if (name != "routes") {
      without.set(name, value);
    }
  }
  EXPECT_THAT(refusal(without), ::testing::AllOf(HasSubstr("chart.json"), HasSubstr("routes")));
}

TEST(ChartJson, NamesTheMemberOfAnotherKind) {
  Json token = Json::object({{"text", "a"}, {"share", "much"}});
  EXPECT_THAT(refusal(damaged("tokens", Json(Json::Array{token}))), HasSubstr("tokens[0].share"));
  EXPECT_THAT(refusal(damaged("claims", Json::object({{"held", -1}, {"tried", 2}}))),
              HasSubstr("claims.held"));
}

TEST(ChartJson, RefusesEdgesBetweenBoxesThatAreNotThere) {
  Chart chart = testing::dallas_chart();
  chart.edges.front().target = "i99";
  EXPECT_THAT(refusal(to_json(chart)), HasSubstr("'i99'"));
}

TEST(ChartJson, RefusesPositionsBeyondThePrompt) {
  Chart chart = testing::dallas_chart();
  chart.boxes.front().positions = {10};
  EXPECT_THAT(refusal(to_json(chart)), HasSubstr("position 10"));
}

TEST(ChartJson, RefusesTwoBoxesOfOneName) {
  Chart chart = testing::dallas_chart();
  chart.boxes[1].id = chart.boxes[0].id;
  EXPECT_THAT(refusal(to_json(chart)), HasSubstr("'w3'"));
}

}  // namespace
}  // namespace cajal
