#include "explain/chart/chart_text.h"

#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "explain/chart/chart_words.h"
#include "explain/chart/dallas_chart_test.h"

namespace cajal {
namespace {

using ::testing::HasSubstr;

TEST(ChartText, IsThePictureOfTheDesign) {
  EXPECT_EQ(to_text(testing::dallas_chart()),
            R"(Why did the model answer " Austin"?  (probability 0.94)

  Dallas ━━━━━ Texas ━━━━━━━━━━━━━━━━━┑
               layers 2–5             ┝━━ says " Austin" ━━━━━━━━┑
  capital ━┯━━ asks for a capital ━━━━┙   layers 5–7             ┝━━ “Austin”
  state ───┘   layers 1–4                                        │
                                          big cities of Texas ✗ ─┘
                                          layer 3, against

   45 %  Dallas → Texas → says " Austin"
   20 %  capital → asks for a capital → says " Austin"
    9 %  Dallas → Texas
    7 %  state → asks for a capital → says " Austin"
   −5 %  Dallas → big cities of Texas  (speaks against)
   14 %  not explained
  ✗ did not hold when tried: big cities of Texas
  claims held 5 of 7 · replacement 0.86 · completeness 0.91 · rows sum to 3e-7
  The ideas hold 88 % of the influence of all features that were kept.
  specimen, bf16x2; over 500 prompts 82 % of claims held.
)");
}

TEST(ChartText, NoLineIsWiderThanTheTerminal) {
  for (unsigned number = 0; number < 20; ++number) {
    std::istringstream lines(to_text(testing::crowded_chart(number)));
    for (std::string line; std::getline(lines, line);) {
      EXPECT_LE(terminal_width(line), 80U) << line;
    }
  }
}

TEST(ChartText, RoutesTooLongToStandBesideEachOtherAreIndented) {
  const std::string text = to_text(testing::crowded_chart(1));
  EXPECT_THAT(text, HasSubstr("\n  “Austin”\n  ├─ "));
}

TEST(ChartText, LinesAreShortenedBeforeBoxesAreIndented) {
  const auto text = [](std::size_t width) {
    return to_text(testing::dallas_chart(), {.width = width});
  };
  EXPECT_THAT(text(61), HasSubstr("\n  capital ━┯━━ asks"));
  EXPECT_THAT(text(60), HasSubstr("\n  capital ┯━━ asks"));
  EXPECT_THAT(text(58), HasSubstr("\n  capital ┯━━ asks"));
  EXPECT_THAT(text(57), HasSubstr("\n  “Austin”\n  ┝━ "));
}

TEST(ChartText, EscapesOfTerminalsDoNotPass) {
  Chart chart = testing::dallas_chart();
  chart.boxes[4].label = "Te\x1b[2Jxas";
  chart.title = "Why \x1b]0;?";
  chart.notes = {"a\x07note"};
  EXPECT_EQ(to_text(chart).find('\x1b'), std::string::npos);
  EXPECT_EQ(to_text(chart).find('\x07'), std::string::npos);
}

TEST(ChartText, ColoursAreOnlyThereWhenAskedFor) {
  const Chart chart = testing::dallas_chart();
  EXPECT_EQ(to_text(chart).find("\033["), std::string::npos);
  EXPECT_NE(to_text(chart, {.colours = TextColours::Ansi}).find("\033["), std::string::npos);
}

TEST(ChartText, GroupsThatLeanOnEachOtherMakeNoCircle) {
  Chart chart = testing::dallas_chart();
  chart.edges = {{.source = "i1", .target = "i2", .share = 0.5},
                 {.source = "i2", .target = "i1", .share = 0.4},
                 {.source = "i2", .target = "answer", .share = 0.1}};
  const auto mains = main_edges(chart);
  EXPECT_EQ(mains[3], 0U);  // i1 to i2
  EXPECT_EQ(mains[4], 2U);  // i2 to the answer
}

TEST(ChartText, WaysThatArriveGoBeforeStrongerOnesThatDoNot) {
  Chart chart = testing::dallas_chart();
  chart.edges = {{.source = "w8", .target = "i1", .share = 0.5},
                 {.source = "w8", .target = "i2", .share = 0.1},
                 {.source = "i2", .target = "answer", .share = 0.1}};
  const auto mains = main_edges(chart);
  EXPECT_EQ(mains[2], 1U);            // Dallas to Texas, which comes to the answer
  EXPECT_EQ(mains[3], std::nullopt);  // i1 leads nowhere that is shown
  EXPECT_THAT(to_text(chart), HasSubstr("asks for a capital ┈"));
}

TEST(ChartText, AnEmptyChartHasWordsToo) {
  EXPECT_THAT(to_text({}), HasSubstr("no claim tried"));
}

}  // namespace
}  // namespace cajal
