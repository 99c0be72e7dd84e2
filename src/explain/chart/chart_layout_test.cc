#include "explain/chart/chart_layout.h"

#include <limits>

#include <gtest/gtest.h>

#include "explain/chart/dallas_chart_test.h"

namespace cajal {
namespace {

const PlacedBox& placed(const Chart& chart, const ChartLayout& layout, const std::string& id) {
  return layout.boxes.at(static_cast<std::size_t>(chart.box(id) - chart.boxes.data()));
}

bool overlap(const PlacedBox& a, const PlacedBox& b) {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}

/// Whether the level part of a band on its way lies within a box.
bool crosses(const PlacedBand& band, const PlacedBox& box) {
  for (std::size_t p = 1; p + 1 < band.points.size(); p += 2) {
    const double y = band.points[p].y;
    if (band.points[p].x >= box.x && band.points[p].x < box.x + box.width &&
        y + band.width / 2.0 > box.y && y - band.width / 2.0 < box.y + box.height) {
      return true;
    }
  }
  return false;
}

TEST(ChartLayout, WordsAreAtTheLeftAndTheAnswerAtTheRight) {
  const Chart chart = testing::dallas_chart();
  const ChartLayout layout = layout_chart(chart);
  EXPECT_EQ(placed(chart, layout, "w8").column, 0U);
  EXPECT_EQ(placed(chart, layout, "i2").column, 1U);
  EXPECT_EQ(placed(chart, layout, "i4").column, 2U);
  EXPECT_EQ(placed(chart, layout, "answer").column, 3U);
}

TEST(ChartLayout, BoxesDoNotOverlapAndBandsPassBetweenThem) {
  for (unsigned number = 0; number < 20; ++number) {
    const ChartLayout layout = layout_chart(testing::crowded_chart(number));
    for (std::size_t a = 0; a < layout.boxes.size(); ++a) {
      for (std::size_t b = 0; b < a; ++b) {
        EXPECT_FALSE(overlap(layout.boxes[a], layout.boxes[b])) << number;
      }
      for (const PlacedBand& band : layout.bands) {
        EXPECT_FALSE(crosses(band, layout.boxes[a])) << number;
      }
    }
  }
}

TEST(ChartLayout, EverythingIsWithinThePicture) {
  const ChartLayout layout = layout_chart(testing::crowded_chart(3));
  for (const PlacedBox& box : layout.boxes) {
    EXPECT_GE(box.x, 0.0);
    EXPECT_GE(box.y, 0.0);
    EXPECT_LE(box.x + box.width, layout.width);
    EXPECT_LE(box.y + box.height, layout.height);
  }
}

TEST(ChartLayout, ABandIsAsWideAsItsShare) {
  const Chart chart = testing::dallas_chart();
  const ChartLayout layout = layout_chart(chart);
  const double whole = layout.bands.front().width / chart.edges[layout.bands.front().edge].share;
  for (const PlacedBand& band : layout.bands) {
    EXPECT_NEAR(band.width, whole * chart.edges[band.edge].share, 1e-9);
  }
}

TEST(ChartLayout, BandsMeetTheirBoxesSideBySide) {
  const Chart chart = testing::dallas_chart();
  const ChartLayout layout = layout_chart(chart);
  for (const PlacedBand& band : layout.bands) {
    const ChartEdge& edge = chart.edges[band.edge];
    const PlacedBox& from = placed(chart, layout, edge.source);
    const PlacedBox& to = placed(chart, layout, edge.target);
    EXPECT_EQ(band.points.front().x, from.x + from.width);
    EXPECT_EQ(band.points.back().x, to.x);
    EXPECT_GE(band.points.front().y - band.width / 2.0, from.y);
    EXPECT_LE(band.points.front().y + band.width / 2.0, from.y + from.height);
    EXPECT_GE(band.points.back().y - band.width / 2.0, to.y);
    EXPECT_LE(band.points.back().y + band.width / 2.0, to.y + to.height);
  }
}

TEST(ChartLayout, TheSameChartIsLaidOutTheSame) {
  const ChartLayout a = layout_chart(testing::crowded_chart(7));
  const ChartLayout b = layout_chart(testing::crowded_chart(7));
  for (std::size_t i = 0; i < a.boxes.size(); ++i) {
    EXPECT_EQ(a.boxes[i].x, b.boxes[i].x);
    EXPECT_EQ(a.boxes[i].y, b.boxes[i].y);
  }
}

TEST(ChartLayout, AnEmptyChartAndOneWithoutIdeasAreLaidOut) {
  EXPECT_TRUE(layout_chart({}).boxes.empty());
  Chart chart = testing::dallas_chart();
  std::erase_if(chart.boxes, [](const ChartBox& box) { return box.kind == BoxKind::Idea; });
  const ChartLayout layout = layout_chart(chart);
  EXPECT_EQ(placed(chart, layout, "answer").column, 1U);
  EXPECT_EQ(layout.bands.size(), 1U);  // that of the grey box: the others lost an end
}

TEST(ChartLayout, SharesThatAreNoNumbersDoNotBreakIt) {
  Chart chart = testing::dallas_chart();
  chart.edges.front().share = std::numeric_limits<double>::quiet_NaN();
  chart.edges.back().share = 1e300;
  EXPECT_LT(layout_chart(chart).height, 2000.0);
}

}  // namespace
}  // namespace cajal
