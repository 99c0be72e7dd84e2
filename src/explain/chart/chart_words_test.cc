#include "explain/chart/chart_words.h"

#include <gtest/gtest.h>

#include "explain/chart/dallas_chart_test.h"

namespace cajal {
namespace {

TEST(ChartWords, PercentsHaveADecimalWhereTheyAreSmall) {
  EXPECT_EQ(percent_text(0.537), "54 %");
  EXPECT_EQ(percent_text(0.0042), "0.4 %");
  EXPECT_EQ(percent_text(-0.05), "−5 %");
  EXPECT_EQ(percent_text(-1e-9), "0 %");
  EXPECT_EQ(percent_text(1.0), "100 %");
}

TEST(ChartWords, LogitsHaveASign) {
  EXPECT_EQ(signed_text(-6.12), "−6.1");
  EXPECT_EQ(signed_text(0.25), "+0.25");
  EXPECT_EQ(signed_text(0.0), "0.0");
  EXPECT_EQ(signed_text(-0.0123), "−0.012");
}

TEST(ChartWords, ResidualsAreRoundedToADigit) {
  EXPECT_EQ(residual_text(3.04e-7), "3e-7");
  EXPECT_EQ(residual_text(9.7e-8), "1e-7");
  EXPECT_EQ(residual_text(0.0), "0");
}

TEST(ChartWords, ControlCharactersShow) {
  EXPECT_EQ(shown_token("a\nb\x1b[31m"), "a↵b\uFFFD[31m");
  EXPECT_EQ(bare_token(" Dallas"), "Dallas");
  EXPECT_EQ(bare_token(" "), "␣");
  EXPECT_EQ(bare_token("\n"), "↵");
  EXPECT_EQ(shown_token("\u202Eright to left"), "\uFFFDright to left");
}

TEST(ChartWords, NeighbouringPositionsAreOneWord) {
  const Chart chart = testing::dallas_chart();
  EXPECT_EQ(positions_text(chart, {.positions = {7, 8}}), "at “containing Dallas”");
  EXPECT_EQ(positions_text(chart, {.positions = {3, 8}}), "at “capital”, “Dallas”");
  EXPECT_EQ(positions_text(chart, {.positions = {1, 3, 8}}), "at “:”, “capital”, …");
  EXPECT_EQ(positions_text(chart, {.positions = {400}}), "");
}

TEST(ChartWords, APlaceWithinAWordIsTheWord) {
  Chart chart;
  chart.tokens = {{" in", 0}, {" D", 0}, {"all", 0}, {"as", 0}};
  EXPECT_EQ(positions_text(chart, {.positions = {2}}), "at “Dallas”");
}

TEST(ChartWords, RoutesEndBeforeTheAnswer) {
  const Chart chart = testing::dallas_chart();
  EXPECT_EQ(route_text(chart, chart.routes.front()), "Dallas → Texas → says \" Austin\"");
  EXPECT_EQ(route_text(chart, {.boxes = {"w3", "w6", "i1", "answer"}}),
            "capital, state → asks for a capital");
}

TEST(ChartWords, AVerdictSaysWhatWasWrong) {
  EXPECT_EQ(verdict_text({.sign = true, .size = true, .beyond = true}), "held");
  EXPECT_EQ(verdict_text({.sign = false, .size = true, .beyond = true}),
            "did not hold: wrong sign");
}

TEST(ChartWords, WideCharactersTakeTwoColumns) {
  EXPECT_EQ(terminal_width("日本"), 4U);
  EXPECT_EQ(terminal_width("e\u0301"), 1U);
  EXPECT_EQ(cut_to_width("日本語", 5), "日本…");
  EXPECT_EQ(cut_to_width("Texas", 5), "Texas");
  EXPECT_EQ(cut_to_width("Texas", 0), "");
}

TEST(ChartWords, NamesThatAreCutKeepWhatTellsThemApart) {
  ChartBox box = {.id = "i0", .kind = BoxKind::Idea, .label = "says \"Sacramento\""};
  EXPECT_EQ(name_text(box), "says \"Sacramento\"");
  EXPECT_EQ(short_name(box, 10), "says \"Sac…");
  box.apart = "layer 7";
  EXPECT_EQ(name_text(box), "says \"Sacramento\", layer 7");
  EXPECT_EQ(short_name(box, 40), "says \"Sacramento\", layer 7");
  EXPECT_EQ(short_name(box, 20), "says \"Sacr…, layer 7");
  EXPECT_EQ(short_name(box, 12), "says \"Sacra…");  // no room for both
}

}  // namespace
}  // namespace cajal
