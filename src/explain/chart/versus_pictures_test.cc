// Pictures of a comparison that is made up here.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "explain/chart/chart_png.h"
#include "explain/chart/chart_words.h"
#include "explain/chart/states_chart_test.h"
#include "explain/chart/versus_json.h"
#include "explain/chart/versus_page.h"
#include "explain/chart/versus_svg.h"
#include "explain/chart/versus_text.h"

namespace cajal {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using testing::states_chart;

TEST(VersusChart, SaysHowFarAChangeGoesToTheOtherAnswer) {
  const VersusChart chart = states_chart();
  // From 8 logits for Austin to 12 against it.
  EXPECT_NEAR(*chart.way(0, -5.0), 0.25, 1e-12);
  EXPECT_NEAR(*chart.way(0, -20.0), 1.0, 1e-12);
  EXPECT_NEAR(*chart.way(1, 1.0), -0.05, 1e-12);
  VersusChart same = chart;
  same.opposed = false;
  EXPECT_NEAR(*same.way(0, 1.0), 0.25, 1e-12);
  same.prompts[1].value = 8.05;
  EXPECT_FALSE(same.way(0, 1.0).has_value());
}

TEST(VersusPictures, WithOneAnswerForBothAChangeIsOfTheLogitAndNoPartOfAWay) {
  VersusChart chart = states_chart();
  chart.opposed = false;
  chart.prompts[1].value = chart.prompts[0].value;
  for (const std::string& picture : {to_html(chart), alternative_text(chart, chart.ideas[0])}) {
    EXPECT_THAT(picture, Not(HasSubstr("of the way")));
    EXPECT_THAT(picture, HasSubstr("logit changes by"));
  }
}

TEST(VersusPictures, TheTableHasBothSharesAndWhatWasTried) {
  const std::string text = to_text(states_chart());
  EXPECT_THAT(text, HasSubstr("1  the capital of Dallas → “Austin” 0.94\n"));
  EXPECT_THAT(text, HasSubstr("“Sacramento” has 12.0 logits more than “Austin”"));
  EXPECT_THAT(text, HasSubstr("only in the first\n  Texas · layers 2–5 · at “Dallas”"));
  EXPECT_THAT(text, HasSubstr("30 %    0 %     25 % ✓     −5 % ✗\n"));
  EXPECT_THAT(text, HasSubstr("all these ideas at once"));
  EXPECT_THAT(text, HasSubstr("claims held 1 of 2"));
}

TEST(VersusPictures, LinesOfTheTableFitTheTerminal) {
  VersusChart chart = states_chart();
  chart.ideas[1].label = std::string(200, 'x');
  chart.prompts[0].prompt = "a 東京 word " + std::string(100, 'y');
  for (const std::size_t width : {60U, 80U, 120U}) {
    const std::string text = to_text(chart, {.width = width});
    std::size_t begin = 0;
    while (begin < text.size()) {
      const std::size_t end = text.find('\n', begin);
      const std::string line = text.substr(begin, end - begin);
      EXPECT_TRUE(terminal_width(line) <= width || line.find("yyyy") != std::string::npos) << line;
      begin = end + 1;
    }
  }
}

TEST(VersusPictures, WithoutTriedClaimsThereAreOnlyShares) {
  VersusChart chart = states_chart();
  chart.claims_tried = 0;
  const std::string text = to_text(chart);
  EXPECT_THAT(text, Not(HasSubstr("made as")));
  EXPECT_THAT(text, HasSubstr("no claim tried"));
}

TEST(VersusPictures, TheSvgIsDrawnAndSaysEachLineInWords) {
  const std::string svg = to_svg(states_chart());
  EXPECT_THAT(svg, HasSubstr("Idea Texas, only in the first: 30 % of the first answer, 0 % of the "
                             "second; made in the first as in the other, it goes 25 % of the way; "
                             "the claim held"));
  EXPECT_GT(png_of_svg(svg).size(), 1000U);
  EXPECT_LT(svg.find(">words of the prompts<"), svg.find(">Texas<"));
  EXPECT_LT(svg.find(">Texas<"), svg.find(">not explained<"));
}

TEST(VersusPictures, ThePageHasAPanelForEachLineAndAsksForNothing) {
  const std::string page = to_html(states_chart());
  EXPECT_THAT(page, HasSubstr("default-src 'none'"));
  EXPECT_THAT(page, Not(HasSubstr("https:")));
  for (const char* number : {"0", "1", "2", "3"}) {
    EXPECT_THAT(page, HasSubstr("id=\"box-" + std::string(number)));
    EXPECT_THAT(page, HasSubstr("id=\"panel-box-" + std::string(number)));
  }
  EXPECT_THAT(page, HasSubstr("2:311 at “Dallas”"));
  EXPECT_THAT(page, HasSubstr("<mark> Houston</mark>"));
  EXPECT_THAT(page.substr(page.find("<details>")),
              HasSubstr("<tr><td>Texas</td><td>only in the first</td><td class=\"n\">30 %</td>"
                        "<td class=\"n\">0 %</td><td class=\"n\">−6.0</td>"));
}

TEST(VersusPictures, NothingThatAModelSaysIsMarkup) {
  VersusChart chart = states_chart();
  const std::string evil = "</script><img src=x onerror=alert(1)>\"'&";
  chart.title = chart.footer = evil;
  chart.notes = {evil};
  for (VersusPrompt& prompt : chart.prompts) {
    prompt.prompt = prompt.answer = evil;
    prompt.tokens[1].text = evil;
  }
  for (VersusEntry& line : chart.ideas) {
    line.label = evil;
    for (VersusHalf& half : line.halves) {
      if (half.box) {
        half.box->label = half.box->named_by = half.box->members[0].label = evil;
        half.box->examples = {{evil, evil, evil}};
        half.box->promotes = {evil};
      }
      if (half.claim) {
        half.claim->becomes = evil;
      }
    }
  }
  const std::string page = to_html(chart);
  EXPECT_THAT(page, Not(HasSubstr("<img")));
  EXPECT_EQ(page.find("</script>"), page.rfind("</script>"));
  EXPECT_GT(png_of_svg(to_svg(chart)).size(), 1000U);
}

TEST(VersusJson, HasBothHalvesOfEachLine) {
  const Json json = Json::parse(to_json(states_chart()).dump(), "versus");
  const Json& ideas = json.at("ideas", "versus");
  const Json& texas = ideas.as_array("ideas").front();
  EXPECT_EQ(texas.at("where", "").as_string(""), "first");
  EXPECT_NEAR(texas.at("first", "").at("exchanged", "").at("way", "").as_double(""), 0.25, 1e-12);
  EXPECT_TRUE(texas.at("second", "").at("box", "").is_null());
  EXPECT_EQ(json.at("same_answer", "").as_bool(""), false);
}

}  // namespace
}  // namespace cajal
