#include "explain/chart/chart_page.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "explain/chart/chart_panels.h"
#include "explain/chart/chart_svg.h"
#include "explain/chart/chart_words.h"
#include "explain/chart/markup.h"
#include "explain/chart/page_texts.h"

namespace cajal {
namespace {

constexpr std::string_view kPolicy =
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'";

constexpr double kBesidePanel = 1080.0;  // pixels of a chart that has room beside the panel

/// The tokens as they stand in the text, each underlined by its share of the answer: the strongest
/// fully, the others in proportion.
std::string prompt_html(const Chart& chart) {
  double most = 0.0;
  for (const ChartToken& token : chart.tokens) {
    most = std::max(most, std::isfinite(token.share) ? token.share : 0.0);
  }
  std::string out = "<p class=\"prompt\" aria-label=\"The prompt and the answer\">";
  for (const ChartToken& token : chart.tokens) {
    const double share = most > 0.0 && token.share > 0.0 ? 100.0 * token.share / most : 0.0;
    out += fmt::format("<span style=\"--share:{:.0f}%\" title=\"{} of the answer\">{}</span>",
                       share, percent_text(token.share), escaped(token.text));
  }
  return out + "<b>" + escaped(chart.answer) + "</b></p>\n";
}

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

std::string figure(std::string_view what, const std::string& number, std::string_view terms) {
  return fmt::format("<span title=\"{}\">{} <b>{}</b></span>", escaped(terms), escaped(what),
                     escaped(number));
}

std::string footer_html(const Chart& chart) {
  std::string out = "<footer>";
  out += figure("claims that held when tried",
                fmt::format("{} of {}", chart.claims_held, chart.claims_tried),
                "feature ablation, nothing frozen: sign right, size within a factor of about 3, "
                "beyond 95 % of random groups");
  out += figure("not explained", percent_text(chart.unexplained), "1 - replacement score");
  out += figure("replacement score", fmt::format("{:.2f}", chart.replacement),
                "share of the flow from the answer that ends at words rather than at errors");
  out += figure("completeness", fmt::format("{:.2f}", chart.completeness),
                "share of the inputs of all nodes that is not error");
  out += figure("rows sum to", residual_text(chart.largest_residual),
                "largest relative difference between a row's sum and what it explains");
  return out + (chart.footer.empty() ? "" : "<span>" + escaped(chart.footer) + "</span>") +
         "</footer>\n";
}

std::string notes_html(const Chart& chart) {
  if (chart.notes.empty()) {
    return "";
  }
  std::string out = "<ul class=\"notes\">";
  for (const std::string& note : chart.notes) {
    out += "<li>" + escaped(note) + "</li>";
  }
  return out + "</ul>\n";
}

}  // namespace

std::string to_html(const Chart& chart) {
  const std::string title = escaped(shown_token(chart.title));
  return fmt::format(
             "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
             "<meta http-equiv=\"Content-Security-Policy\" content=\"{}\">\n"
             "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
             "<meta name=\"generator\" content=\"cajal\">\n"
             "<title>{}</title>\n<style>\n{}</style>\n</head>\n<body>\n<main>\n",
             kPolicy, title, page_style()) +
         "<h1>" + title + "</h1>\n" + prompt_html(chart) + stage_html(chart) +
         "<aside aria-live=\"polite\" aria-label=\"What is chosen\">\n" + panels_html(chart) +
         "</aside>\n</div>\n" + notes_html(chart) +
         "<details>\n<summary>View as table</summary>\n" + tables_html(chart) + "</details>\n" +
         footer_html(chart) + "</main>\n<script>\n" + std::string(page_script()) +
         "</script>\n</body>\n</html>\n";
}

}  // namespace cajal
