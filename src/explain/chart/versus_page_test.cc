// The page of a comparison, opened.
#include "explain/chart/versus_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "explain/chart/browser_test.h"
#include "explain/chart/states_chart_test.h"

namespace cajal {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(VersusPage, SaysWhereNothingCouldBeExchanged) {
  VersusChart chart = testing::states_chart();
  EXPECT_THAT(to_html(chart), Not(HasSubstr("not exchanged")));
  chart.ideas[1].exchangeable = false;
  EXPECT_THAT(to_html(chart), HasSubstr("not exchanged: one of the prompts has no features"));
}

TEST(VersusPageInABrowser, ShowsTheIdeaThatIsClickedInBothPrompts) {
  if (!testing::have_browser()) {
    return;
  }
  const std::string seen = testing::in_browser(to_html(testing::states_chart()), R"(
say('FIRST ' + read().split('\n')[0]);
click('box-2');
say('SECOND ' + read());
click('box-1');
say('CLICKED ' + read());
say('SHOWN ' + document.querySelectorAll('.panel.shown').length);
say('PRESSED ' + [...document.querySelectorAll('[aria-pressed=true]')].map((m) => m.id));
document.querySelector('summary').click();
say('TABLE ' + document.querySelector('details tbody').innerText);
)");
  EXPECT_THAT(seen, HasSubstr("FIRST Texas"));  // the first idea, not a word
  EXPECT_THAT(seen, HasSubstr("SECOND California\n\nonly in the second\n"));
  const std::size_t clicked = seen.find("CLICKED Texas");
  ASSERT_NE(clicked, std::string::npos) << seen;
  const std::string texas = seen.substr(clicked, seen.find("SHOWN") - clicked);
  EXPECT_THAT(texas, HasSubstr("only in the first"));
  EXPECT_THAT(texas, HasSubstr("In the first prompt"));
  EXPECT_THAT(texas, HasSubstr("Made here as in the other, it goes 25 % of the way"));
  EXPECT_THAT(texas, HasSubstr("−5.0 logits"));  // measured
  EXPECT_THAT(texas, HasSubstr("In the second prompt"));
  EXPECT_THAT(texas, HasSubstr("Made here as in the other, it goes −5 % of the way"));
  EXPECT_THAT(texas, HasSubstr("2:311 at “Dallas”"));  // a member
  EXPECT_THAT(texas, HasSubstr("Houston"));
  EXPECT_THAT(texas, Not(HasSubstr("Oakland")));  // of panels that are not shown
  EXPECT_THAT(seen, HasSubstr("SHOWN 1\nPRESSED box-1\n"));
  EXPECT_THAT(seen, HasSubstr("TABLE Dallas / Oakland\tword\t40 %\t40 %"));
}

TEST(VersusPageInABrowser, GoesOnWithTheKeys) {
  if (!testing::have_browser()) {
    return;
  }
  const std::string seen = testing::in_browser(to_html(testing::states_chart()), R"(
const marks = [...document.querySelectorAll('.box')];
say('REACHED ' + marks.every((m) => m.tabIndex === 0 && m.getAttribute('role') === 'button'));
document.getElementById('box-3').focus();
press('Enter');
say('ENTER ' + read().split('\n')[0]);
press('ArrowUp');
say('UP ' + read().split('\n')[0]);
press('ArrowUp');
say('UP ' + read().split('\n')[0]);
press('ArrowDown');
say('DOWN ' + read().split('\n')[0] + ' ' + document.activeElement.id);
press('ArrowRight');
say('STAYS ' + document.activeElement.id);
document.getElementById('box-0').focus();
press(' ');
say('SPACE ' + read().split('\n')[0]);
press('ArrowUp');
say('TOP ' + document.activeElement.id);
)");
  EXPECT_THAT(seen, HasSubstr("REACHED true\nENTER asks for a capital\nUP California\nUP Texas\n"
                              "DOWN California box-2\nSTAYS box-2\n"
                              "SPACE Dallas / Oakland\nTOP box-0\n"));
}

TEST(VersusPageInABrowser, HoveringShowsAndLeavingGoesBack) {
  if (!testing::have_browser()) {
    return;
  }
  const std::string seen = testing::in_browser(to_html(testing::states_chart()), R"(
const over = (id, type) => document.getElementById(id).dispatchEvent(new MouseEvent(type));
over('box-2', 'mouseenter');
say('OVER ' + read().split('\n')[0]);
over('box-2', 'mouseleave');
say('BACK ' + read().split('\n')[0]);
)");
  EXPECT_THAT(seen, HasSubstr("OVER California\nBACK Texas\n"));
}

TEST(VersusPageInABrowser, AsksForNothing) {
  if (!testing::have_browser()) {
    return;
  }
  const std::string seen = testing::in_browser(to_html(testing::states_chart()), R"(
for (const mark of document.querySelectorAll('.box')) mark.dispatchEvent(new MouseEvent('click'));
say('ASKED ' + performance.getEntriesByType('resource').map((r) => r.name) + ';');
say('LINKS ' + document.querySelectorAll('[src], link, image, iframe, object').length + ';');
)");
  EXPECT_THAT(seen, HasSubstr("ASKED ;\nLINKS 0;"));
}

/// Long names, words and prompts, as models have them.
TEST(VersusPageInABrowser, FitsAWindowThatIs900PixelsWide) {
  if (!testing::have_browser()) {
    return;
  }
  VersusChart chart = testing::states_chart();
  chart.ideas[0].label += " " + std::string(60, 'x') + std::string(60, 'y');
  chart.ideas[0].halves[0].box->examples.push_back({std::string(150, 'z'), "w", "v"});
  for (std::size_t i = 0; i < 30; ++i) {
    chart.prompts[1].tokens.push_back({std::string(20 + 4 * i, 'u'), 0.01});
  }
  const std::string seen = testing::in_browser(to_html(chart), R"(
const wide = (e) => e.scrollWidth > e.clientWidth + 1;
say('WINDOW ' + innerWidth);
say('WIDER ' + ['html', 'main', 'aside', '.chart'].filter((s) => wide(document.querySelector(s))));
click('box-3');
say('CLICKED ' + read().split('\n')[0]);
const panel = document.querySelector('aside').getBoundingClientRect();
say('PANEL ' + (panel.left >= 0 && panel.right <= innerWidth && panel.width > 300));
document.querySelector('summary').click();
say('TABLE ' + (document.documentElement.scrollWidth <= innerWidth));
)",
                                               900);
  EXPECT_THAT(seen, HasSubstr("WINDOW 900\nWIDER \nCLICKED asks for a capital\nPANEL true\n"
                              "TABLE true"));
}

}  // namespace
}  // namespace cajal
