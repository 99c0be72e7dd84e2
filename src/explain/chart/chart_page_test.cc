#include "explain/chart/chart_page.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "explain/chart/browser_test.h"
#include "explain/chart/dallas_chart_test.h"

namespace cajal {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(ChartPage, IsOneFileThatAsksForNothing) {
  const std::string page = to_html(testing::dallas_chart());
  EXPECT_THAT(page, HasSubstr("default-src 'none'"));
  EXPECT_THAT(page, Not(HasSubstr("src=")));
  EXPECT_THAT(page, Not(HasSubstr("<link")));
  EXPECT_THAT(page, Not(HasSubstr("@import")));
  EXPECT_THAT(page, Not(HasSubstr("https:")));
}

TEST(ChartPage, NothingThatAModelSaysIsMarkup) {
  Chart chart = testing::crowded_chart(1);
  const std::string evil = "</script><img src=x onerror=alert(1)>\"'&";
  chart.title = chart.answer = chart.footer = evil;
  chart.notes = {evil};
  chart.tokens[3].text = evil;
  chart.alternatives = {{evil, 0.1}};
  for (ChartBox& box : chart.boxes) {
    box.label = box.named_by = evil;
    box.promotes = box.suppresses = {evil};
    box.examples = {{evil, evil, evil}};
    for (ChartMember& member : box.members) {
      member.label = member.label_by = evil;
    }
    if (box.claim) {
      box.claim->becomes = evil;
    }
  }
  const std::string page = to_html(chart);
  EXPECT_THAT(page, Not(HasSubstr("<img")));
  EXPECT_EQ(page.find("</script>"), page.rfind("</script>"));
}

TEST(ChartPage, TheTableHasTheNumbersOfThePicture) {
  const std::string page = to_html(testing::dallas_chart());
  const std::string table = page.substr(page.find("<details>"));
  EXPECT_THAT(table, HasSubstr("<tr><td>Texas</td><td>layers 2–5 · at “Dallas”</td>"
                               "<td class=\"n\">54 %</td><td class=\"n\">+6.1</td>"
                               "<td class=\"n\">−6.1</td><td class=\"n\">−5.2</td>"
                               "<td class=\"n\">0.40</td><td>held</td></tr>"));
  EXPECT_THAT(table, HasSubstr("<td>Dallas → Texas → says &quot; Austin&quot;</td>"));
}

TEST(ChartPage, PanelsSayHowAnIdeaFaredAndWhatCarriedIt) {
  const std::string page = to_html(testing::dallas_chart());
  EXPECT_THAT(page, HasSubstr("2:311 at “Dallas”"));
  EXPECT_THAT(page, HasSubstr("<mark> Houston</mark>"));
  EXPECT_THAT(page, HasSubstr("<td>head 4.3, “is” reads “Dallas”</td><td class=\"n\">71 %</td>"));
  EXPECT_THAT(page, HasSubstr("<td>without attention</td><td class=\"n\">11 %</td>"));
}

TEST(ChartPageInABrowser, ShowsWhatIsClickedAndGoesOnWithTheKeys) {
  if (!testing::have_browser()) {
    return;
  }
  const std::string seen = testing::in_browser(to_html(testing::dallas_chart()), R"(
say('FIRST ' + read().split('\n')[0]);
click('box-3');
say('CLICKED ' + read());
press('ArrowRight');
say('RIGHT ' + read().split('\n')[0]);
press('ArrowRight');
say('ANSWER ' + read().split('\n')[0]);
document.getElementById('box-5').focus();
press('Enter');
say('ENTER ' + read().split('\n')[0]);
document.querySelector('.panel.shown a').click();
say('LINK ' + read().split('\n')[0]);
document.querySelector('summary').click();
say('TABLE ' + document.querySelector('details').innerText.split('\n').length);
)");
  EXPECT_THAT(seen, HasSubstr("FIRST Texas"));
  EXPECT_THAT(seen, HasSubstr("CLICKED asks for a capital"));
  EXPECT_THAT(seen, HasSubstr("−3.6 logits"));               // measured
  EXPECT_THAT(seen, HasSubstr("after \"the capital of\""));  // a member
  EXPECT_THAT(seen, HasSubstr("Fact: the capital of France"));
  EXPECT_THAT(seen, Not(HasSubstr("Houston")));  // of a panel that is not shown
  EXPECT_THAT(seen, HasSubstr("RIGHT says \" Austin\""));
  EXPECT_THAT(seen, HasSubstr("ANSWER “Austin”"));
  EXPECT_THAT(seen, HasSubstr("ENTER big cities of Texas"));
  EXPECT_THAT(seen, HasSubstr("LINK Dallas → big cities of Texas"));
  EXPECT_THAT(seen, Not(HasSubstr("TABLE 1\n")));
}

TEST(ChartPageInABrowser, HoveringShowsAndLeavingGoesBack) {
  if (!testing::have_browser()) {
    return;
  }
  const std::string seen = testing::in_browser(to_html(testing::dallas_chart()), R"(
const over = (id, type) => document.getElementById(id).dispatchEvent(new MouseEvent(type));
over('box-0', 'mouseenter');
say('OVER ' + read().split('\n')[0]);
over('box-0', 'mouseleave');
say('BACK ' + read().split('\n')[0]);
over('edge-2', 'mouseenter');
say('BAND ' + read());
)");
  EXPECT_THAT(seen, HasSubstr("OVER capital"));
  EXPECT_THAT(seen, HasSubstr("BACK Texas"));
  EXPECT_THAT(seen, HasSubstr("head 4.3, “is” reads “Dallas”"));
}

TEST(ChartPageInABrowser, MarkupInLabelsDoesNothing) {
  if (!testing::have_browser()) {
    return;
  }
  Chart chart = testing::crowded_chart(1);
  chart.boxes[8].label = "<img src=x onerror=\"window.hit=1\">";
  chart.tokens[2].text = "</span><script>window.hit=1</script>";
  const std::string seen = testing::in_browser(to_html(chart),
                                               "say('HIT ' + window.hit + ' IMAGES ' + "
                                               "document.images.length + ' BOXES ' + "
                                               "document.querySelectorAll('.box').length);");
  EXPECT_THAT(seen, HasSubstr(fmt::format("HIT undefined IMAGES 0 BOXES {}", chart.boxes.size())));
}

TEST(ChartPageInABrowser, FitsAPageThatIs900PixelsWide) {
  if (!testing::have_browser()) {
    return;
  }
  const std::string seen =
      testing::in_browser(to_html(testing::dallas_chart()),
                          "document.body.style.width = '900px'; say('WIDTH ' + "
                          "(document.querySelector('main').scrollWidth <= 900));");
  EXPECT_THAT(seen, HasSubstr("WIDTH true"));
}

}  // namespace
}  // namespace cajal
