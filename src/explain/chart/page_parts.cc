#include "explain/chart/page_parts.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/markup.h"
#include "explain/chart/chart_words.h"

namespace cajal {
namespace {

constexpr std::size_t kMembersShown = 12;
constexpr std::size_t kExamplesShown = 6;

std::string verdict_html(const TriedClaim& claim) {
  return fmt::format("<p class=\"{}\">{} {}</p>\n", claim.held() ? "yes" : "no",
                     claim.held() ? "✓" : "✗", escaped("The claim " + verdict_text(claim) + "."));
}

std::string member_label(const ChartMember& member) {
  if (member.label.empty()) {
    return "";
  }
  return member.label_score > 0.0
             ? fmt::format("{} ({:.2f})", shown_token(member.label), member.label_score)
             : shown_token(member.label);
}

}  // namespace

std::string cell(const std::string& text) {
  return "<td>" + escaped(text) + "</td>";
}

std::string number_cell(const std::string& text) {
  return "<td class=\"n\">" + escaped(text) + "</td>";
}

std::string row(const std::string& what, const std::string& number) {
  return fmt::format("<tr>{}{}</tr>", cell(what), number_cell(number));
}

std::string heading(std::string_view text, std::string_view terms) {
  return fmt::format("<h3{}>{}</h3>\n",
                     terms.empty() ? "" : fmt::format(" title=\"{}\"", escaped(terms)),
                     escaped(text));
}

std::string paragraph(std::string_view classes, std::string_view text) {
  return fmt::format("<p class=\"{}\">{}</p>\n", classes, escaped(text));
}

std::string claim_html(const TriedClaim& claim) {
  std::string out = "<table>";
  out += row("changes, by the graph", signed_text(claim.predicted) + " logits");
  out += row("changes, when tried", signed_text(claim.measured) + " logits");
  if (claim.controls > 0) {
    out += row(fmt::format("random groups alike ({} tried), 95 of 100 under", claim.controls),
               signed_text(claim.control_95).substr(claim.control_95 > 0.0005 ? 1 : 0));
  }
  if (!claim.becomes.empty()) {
    out += row("becomes",
               quoted_token(claim.becomes) + " " + probability_text(claim.becomes_probability));
  }
  return out + "</table>\n" + verdict_html(claim);
}

std::string tokens_html(const std::vector<std::string>& tokens) {
  std::string out = "<p class=\"tokens\">";
  for (const std::string& token : tokens) {
    out += "<span>" + escaped(shown_token(token)) + "</span>";
  }
  return out + "</p>\n";
}

std::string examples_html(const ChartBox& box) {
  std::string out = heading("Fires on", "texts of the atlas where its features are strongest") +
                    "<div class=\"examples\">";
  for (std::size_t i = 0; i < std::min(box.examples.size(), kExamplesShown); ++i) {
    const ChartExample& e = box.examples[i];
    out += fmt::format("<p>…{}<mark>{}</mark>{}…</p>", escaped(shown_token(e.before)),
                       escaped(shown_token(e.firing)), escaped(shown_token(e.after)));
  }
  return out + "</div>\n";
}

std::string members_html(const Chart& chart, const ChartBox& box) {
  std::string out = heading("Members", "features as LAYER:FEATURE, and how strongly each fires");
  out += "<table>";
  for (std::size_t i = 0; i < std::min(box.members.size(), kMembersShown); ++i) {
    const ChartMember& m = box.members[i];
    const std::string label = member_label(m);
    out += fmt::format("<tr><td>{}{}</td>{}{}</tr>", escaped(member_text(chart, m)),
                       label.empty() ? "" : "<br><span class=\"how\">" + escaped(label) + "</span>",
                       number_cell(fmt::format("{:.1f}", m.activation)),
                       number_cell(percent_text(m.share)));
  }
  out += "</table>\n";
  return box.members.size() <= kMembersShown
             ? out
             : out +
                   paragraph("how", fmt::format("and {} more", box.members.size() - kMembersShown));
}

}  // namespace cajal
