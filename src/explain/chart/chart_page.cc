#include "explain/chart/chart_page.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/markup.h"
#include "explain/chart/chart_panels.h"
#include "explain/chart/chart_svg.h"
#include "explain/chart/chart_words.h"
#include "explain/chart/page_frame.h"

namespace cajal {
namespace {

constexpr double kBesidePanel = 1080.0;  // pixels of a chart that has room beside the panel

std::string legend_html(const Chart& chart) {
  const auto any_band = [&](const auto& is) {
    return std::any_of(chart.edges.begin(), chart.edges.end(), is);
  };
  std::string out =
      "<p class=\"legend\"><span><i></i>speaks for the answer; the width is the share</span>";
  if (any_band([](const ChartEdge& e) { return speaks_against(e.effect); })) {
    out += "<span><i class=\"against\"></i>speaks against</span>";
  }
  if (any_band([](const ChartEdge& e) { return failed(e.claim); })) {
    out += "<span><i class=\"failed\"></i>did not hold when tried</span>";
  }
  if (any_band([](const ChartEdge& e) { return e.source == "unexplained"; })) {
    out += "<span><i class=\"unknown\"></i>not explained</span>";
  }
  return out + "<span>✓ ✗ held or failed when switched off</span></p>\n";
}

/// A chart of many columns gets the page's whole width, and the panel stands below it.
std::string stage_html(const Chart& chart) {
  const SvgPicture picture = draw_svg(chart, SvgUse::Page);
  return fmt::format(
             "<div class=\"stage{}\">\n<div>\n<div class=\"chart\" style=\"--width:{:.0f}px\">\n",
             picture.width > kBesidePanel ? " wide" : "", picture.width) +
         picture.text + "</div>\n" + legend_html(chart) + "</div>\n";
}

std::string footer_html(const Chart& chart) {
  std::string out = "<footer>";
  out += footer_figure(
      "claims that held when tried", fmt::format("{} of {}", chart.claims_held, chart.claims_tried),
      "feature ablation, nothing frozen: sign right, size within a factor of about 3, "
      "beyond 95 % of random groups");
  out += footer_figure("not explained", percent_text(chart.unexplained), "1 - replacement score");
  out +=
      footer_figure("replacement score", fmt::format("{:.2f}", chart.replacement),
                    "share of the flow from the answer that ends at words rather than at errors");
  out += footer_figure("completeness", fmt::format("{:.2f}", chart.completeness),
                       "share of the inputs of all nodes that is not error");
  out += footer_figure("rows sum to", residual_text(chart.largest_residual),
                       "largest relative difference between a row's sum and what it explains");
  return out + (chart.footer.empty() ? "" : "<span>" + escaped(chart.footer) + "</span>") +
         "</footer>\n";
}

}  // namespace

std::string to_html(const Chart& chart) {
  return page_of(chart.title, prompt_html(chart.tokens, chart.answer) + stage_html(chart) +
                                  "<aside aria-live=\"polite\" aria-label=\"What is chosen\">\n" +
                                  panels_html(chart) + "</aside>\n</div>\n" +
                                  notes_html(chart.notes) +
                                  "<details>\n<summary>View as table</summary>\n" +
                                  tables_html(chart) + "</details>\n" + footer_html(chart));
}

}  // namespace cajal
