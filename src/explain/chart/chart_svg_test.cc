#include "explain/chart/chart_svg.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/markup.h"
#include "explain/chart/chart_png.h"
#include "explain/chart/dallas_chart_test.h"

namespace cajal {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t out = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++out;
  }
  return out;
}

TEST(ChartSvg, HasABoxAndABandForEach) {
  const Chart chart = testing::dallas_chart();
  const std::string svg = to_svg(chart);
  EXPECT_EQ(count(svg, "<g class=\"box "), chart.boxes.size());
  EXPECT_EQ(count(svg, "<path class=\"flow"), chart.edges.size());
  EXPECT_EQ(count(svg, "stroke-dasharray=\""), 1U);  // the claim that failed
}

TEST(ChartSvg, SaysEverythingToThoseWhoDoNotSeeIt) {
  const std::string svg = to_svg(testing::dallas_chart());
  EXPECT_THAT(svg,
              HasSubstr("aria-label=\"Idea Texas: layers 2–5 · at “Dallas”; 54 % of the "
                        "answer flows through it; speaks for the answer; when tried, it held"));
  EXPECT_THAT(svg, HasSubstr("Texas to “Austin”: 9 % of the answer; speaks for the answer; when "
                             "tried, it did not hold"));
  EXPECT_THAT(svg, HasSubstr("speaks against the answer"));
}

TEST(ChartSvg, LabelsAreText) {
  const std::string svg = to_svg(testing::crowded_chart(1));
  EXPECT_THAT(svg, Not(HasSubstr("<b>")));
  EXPECT_THAT(svg, Not(HasSubstr("</script>")));
  EXPECT_THAT(svg, HasSubstr("&lt;/script&gt;"));
}

TEST(ChartSvg, AsksForNothingFromElsewhere) {
  const std::string svg = to_svg(testing::dallas_chart());
  EXPECT_EQ(count(svg, "http"), 1U);  // the name of the format
  EXPECT_EQ(count(svg, "href"), 0U);
}

TEST(ChartPng, IsDrawnFromTheSvg) {
  const std::string png = to_png(testing::dallas_chart(), 1.0);
  EXPECT_THAT(png, StartsWith("\x89PNG\r\n\x1a\n"));
  EXPECT_THAT(png, HasSubstr("IEND"));
}

TEST(ChartPng, LabelsThatLookLikeMarkupAreDrawn) {
  EXPECT_THAT(to_png(testing::crowded_chart(2), 0.5), StartsWith("\x89PNG"));
}

TEST(ChartPng, APictureBeyondTheLimitIsRefused) {
  EXPECT_THROW(to_png(testing::dallas_chart(), 1000.0), Error);
}

}  // namespace
}  // namespace cajal
