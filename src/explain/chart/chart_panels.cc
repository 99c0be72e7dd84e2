#include "explain/chart/chart_panels.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/markup.h"
#include "explain/chart/chart_words.h"
#include "explain/chart/page_parts.h"

namespace cajal {
namespace {

/// Heads of a band, strongest first, in parts of the band's own effect.
std::string heads_html(const Chart& chart, const ChartEdge& edge) {
  const auto part = [&](double effect) {
    return edge.effect == 0.0 ? signed_text(effect) : percent_text(effect / edge.effect);
  };
  std::string out = "<table>";
  for (const ChartHead& head : edge.heads) {
    out += row(head_text(chart, head), part(head.effect));
  }
  if (edge.other_heads != 0.0) {
    out += row(edge.heads.empty() ? "attention heads" : "other heads", part(edge.other_heads));
  }
  if (edge.bypass != 0.0) {
    out += row("without attention", part(edge.bypass));
  }
  return out + "</table>\n";
}

bool has_heads(const ChartEdge& edge) {
  return !edge.heads.empty() || edge.other_heads != 0.0 || edge.bypass != 0.0;
}

class Panels {
 public:
  explicit Panels(const Chart& chart) : chart_(chart) {}

  std::string run() const {
    std::string out;
    for (std::size_t b = 0; b < chart_.boxes.size(); ++b) {
      out += fmt::format("<section class=\"panel\" id=\"panel-box-{}\">\n{}</section>\n", b,
                         box_panel(chart_.boxes[b]));
    }
    for (std::size_t e = 0; e < chart_.edges.size(); ++e) {
      const ChartEdge& edge = chart_.edges[e];
      if (chart_.box(edge.source) != nullptr && chart_.box(edge.target) != nullptr) {
        out +=
            fmt::format("<section class=\"panel edge-panel\" id=\"panel-edge-{}\">\n{}</section>\n",
                        e, edge_panel(edge));
      }
    }
    return out;
  }

 private:
  std::string box_panel(const ChartBox& box) const {
    std::string out = fmt::format("<h2>{}</h2>\n", escaped(name_text(box)));
    switch (box.kind) {
      case BoxKind::Word:
        out += paragraph("how", fmt::format("a word of the prompt; {} of the answer comes from it",
                                            percent_text(box.share)));
        break;
      case BoxKind::Idea:
        out += idea_words(box);
        break;
      case BoxKind::Answer:
        return out + answer_words() + bands(box, "Comes from", true);
      case BoxKind::Unexplained:
        out += paragraph("how",
                         fmt::format("{} of the answer comes through what the dictionary does not "
                                     "catch, or from features that were not followed back",
                                     percent_text(chart_.unexplained)));
        break;
    }
    return out + bands(box, "Comes from", true) + bands(box, "Goes to", false);
  }

  std::string idea_words(const ChartBox& box) const {
    std::string out = paragraph("how", where_text(chart_, box));
    out += paragraph("how", fmt::format("{}{} of the answer flows through it ({} logits)",
                                        speaks_against(box.effect) ? "speaks against: " : "",
                                        percent_text(box.share), signed_text(box.effect)));
    if (!box.named_by.empty()) {
      out += paragraph("how", fmt::format("named {}; the name holds for {} of it",
                                          shown_token(box.named_by), percent_text(box.confidence)));
    }
    if (box.claim) {
      out += heading("Switched off, the answer", "feature ablation, nothing frozen") +
             claim_html(*box.claim);
    }
    out += box.examples.empty() ? "" : examples_html(box);
    out += box.promotes.empty() ? "" : heading("Makes likelier") + tokens_html(box.promotes);
    out += box.suppresses.empty() ? "" : heading("Makes less likely") + tokens_html(box.suppresses);
    return out + (box.members.empty() ? "" : members_html(chart_, box));
  }

  std::string answer_words() const {
    std::string out = paragraph("how", fmt::format("the answer, with probability {}",
                                                   probability_text(chart_.answer_probability)));
    if (chart_.alternatives.empty()) {
      return out;
    }
    out += heading("Likeliest answers") + "<table>";
    for (const ChartAlternative& other : chart_.alternatives) {
      out += row(quoted_token(other.text), probability_text(other.probability));
    }
    return out + "</table>\n";
  }

  /// What comes in or goes out, with the heads that carried it.
  std::string bands(const ChartBox& box, std::string_view title, bool incoming) const {
    std::string rows;
    std::string heads;
    for (std::size_t e = 0; e < chart_.edges.size(); ++e) {
      const ChartEdge& edge = chart_.edges[e];
      const ChartBox* other = chart_.box(incoming ? edge.source : edge.target);
      if ((incoming ? edge.target : edge.source) != box.id || other == nullptr) {
        continue;
      }
      rows += band_row(e, *other);
      if (!incoming && !edge.heads.empty()) {
        heads += heading("Carried to " + quoted_name(*other) + " by",
                         "attention heads, in parts of the direct effect") +
                 heads_html(chart_, edge);
      }
    }
    return rows.empty()
               ? ""
               : heading(title, "shares of the answer") + "<table>" + rows + "</table>\n" + heads;
  }

  /// Of the table of bands: the other end and the share.
  std::string band_row(std::size_t e, const ChartBox& other) const {
    const ChartEdge& edge = chart_.edges[e];
    const double share = speaks_against(edge.effect) ? -edge.share : edge.share;
    return fmt::format(
        "<tr><td><a href=\"#panel-edge-{0}\" data-show=\"edge-{0}\">{1}</a>{2}"
        "</td>{3}</tr>",
        e, escaped(name_text(other)),
        failed(edge.claim) ? " <span class=\"no\">✗ failed when tried</span>" : "",
        number_cell(percent_text(share)));
  }

  static std::string quoted_name(const ChartBox& box) {
    return box.kind == BoxKind::Answer ? name_text(box) : "“" + name_text(box) + "”";
  }

  std::string edge_panel(const ChartEdge& edge) const {
    const ChartBox& from = *chart_.box(edge.source);
    const ChartBox& to = *chart_.box(edge.target);
    std::string out =
        fmt::format("<h2>{} → {}</h2>\n", escaped(name_text(from)), escaped(name_text(to)));
    out +=
        paragraph("how", fmt::format("{}{} of the answer flows this way; direct effect {} logits",
                                     speaks_against(edge.effect) ? "speaks against: " : "",
                                     percent_text(edge.share), signed_text(edge.effect)));
    if (edge.claim) {
      out += heading("This way switched off, the answer", "path ablation, nothing frozen") +
             claim_html(*edge.claim);
    }
    return has_heads(edge)
               ? out + heading("Carried by", "attention heads, in parts of the direct effect") +
                     heads_html(chart_, edge)
               : out;
  }

  const Chart& chart_;
};

std::string claim_cells(const std::optional<TriedClaim>& claim) {
  return claim ? number_cell(signed_text(claim->predicted)) +
                     number_cell(signed_text(claim->measured)) +
                     number_cell(claim->controls > 0 ? fmt::format("{:.2f}", claim->control_95)
                                                     : "") +
                     cell(verdict_text(*claim))
               : R"(<td class="n"></td><td class="n"></td><td class="n"></td><td></td>)";
}

constexpr std::string_view kClaimHeads =
    "<th class=\"n\">predicted</th><th class=\"n\">measured</th><th class=\"n\">random</th>"
    "<th>when tried</th>";

std::string table_of_boxes(const Chart& chart) {
  std::string out = fmt::format(
      "<table>\n<caption>Boxes</caption>\n<thead><tr><th>what</th><th>where</th><th "
      "class=\"n\">share</th><th class=\"n\">effect</th>{}</tr></thead>\n<tbody>\n",
      kClaimHeads);
  for (const ChartBox& box : chart.boxes) {
    const bool idea = box.kind == BoxKind::Idea;
    const double share = box.kind == BoxKind::Unexplained ? chart.unexplained : box.share;
    out += fmt::format("<tr>{}{}{}{}{}</tr>\n", cell(name_text(box)),
                       cell(idea ? where_text(chart, box) : positions_text(chart, box)),
                       number_cell(percent_text(share)), number_cell(signed_text(box.effect)),
                       claim_cells(box.claim));
  }
  return out + "</tbody></table>\n";
}

std::string table_of_bands(const Chart& chart) {
  std::string out = fmt::format(
      "<table>\n<caption>Bands</caption>\n<thead><tr><th>from</th><th>to</th><th "
      "class=\"n\">share</th><th class=\"n\">effect</th>{}</tr></thead>\n<tbody>\n",
      kClaimHeads);
  for (const ChartEdge& edge : chart.edges) {
    const ChartBox* from = chart.box(edge.source);
    const ChartBox* to = chart.box(edge.target);
    if (from != nullptr && to != nullptr) {
      out += fmt::format("<tr>{}{}{}{}{}</tr>\n", cell(name_text(*from)), cell(name_text(*to)),
                         number_cell(percent_text(edge.share)),
                         number_cell(signed_text(edge.effect)), claim_cells(edge.claim));
    }
  }
  return out + "</tbody></table>\n";
}

std::string table_of_routes(const Chart& chart) {
  std::string out =
      "<table>\n<caption>Routes, strongest first</caption>\n<thead><tr><th>way</th><th "
      "class=\"n\">share</th><th class=\"n\">effect</th></tr></thead>\n<tbody>\n";
  for (const ChartRoute& route : chart.routes) {
    out +=
        fmt::format("<tr>{}{}{}</tr>\n", cell(route_text(chart, route)),
                    number_cell(percent_text(route.share)), number_cell(signed_text(route.effect)));
  }
  return out + "</tbody></table>\n";
}

}  // namespace

std::string panels_html(const Chart& chart) {
  return Panels(chart).run();
}

std::string tables_html(const Chart& chart) {
  return table_of_boxes(chart) + table_of_bands(chart) + table_of_routes(chart);
}

}  // namespace cajal
