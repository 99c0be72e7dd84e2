#include "explain/chart/page_frame.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "base/markup.h"
#include "explain/chart/chart_words.h"
#include "explain/chart/page_texts.h"

namespace cajal {
namespace {

constexpr std::string_view kPolicy =
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'";

}  // namespace

std::string page_of(std::string_view title, const std::string& body) {
  const std::string shown = escaped(shown_token(title));
  return fmt::format(
             "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
             "<meta http-equiv=\"Content-Security-Policy\" content=\"{}\">\n"
             "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
             "<meta name=\"generator\" content=\"cajal\">\n"
             "<title>{}</title>\n<style>\n{}</style>\n</head>\n<body>\n<main>\n",
             kPolicy, shown, page_style()) +
         "<h1>" + shown + "</h1>\n" + body + "</main>\n<script>\n" + std::string(page_script()) +
         "</script>\n</body>\n</html>\n";
}

std::string prompt_html(const std::vector<ChartToken>& tokens, const std::string& answer,
                        std::string_view classes) {
  double most = 0.0;
  for (const ChartToken& token : tokens) {
    most = std::max(most, std::isfinite(token.share) ? token.share : 0.0);
  }
  std::string out =
      fmt::format(R"(<p class="{}" aria-label="The prompt and the answer">)", classes);
  for (const ChartToken& token : tokens) {
    const double share = most > 0.0 && token.share > 0.0 ? 100.0 * token.share / most : 0.0;
    out += fmt::format(R"(<span style="--share:{:.0f}%" title="{} of the answer">{}</span>)", share,
                       percent_text(token.share), escaped(token.text));
  }
  return out + "<b>" + escaped(answer) + "</b></p>\n";
}

std::string footer_figure(std::string_view what, const std::string& number,
                          std::string_view terms) {
  return fmt::format("<span title=\"{}\">{} <b>{}</b></span>", escaped(terms), escaped(what),
                     escaped(number));
}

std::string notes_html(const std::vector<std::string>& notes) {
  if (notes.empty()) {
    return "";
  }
  std::string out = "<ul class=\"notes\">";
  for (const std::string& note : notes) {
    out += "<li>" + escaped(note) + "</li>";
  }
  return out + "</ul>\n";
}

}  // namespace cajal
