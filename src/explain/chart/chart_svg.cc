#include "explain/chart/chart_svg.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/markup.h"
#include "explain/chart/chart_boxes.h"
#include "explain/chart/chart_layout.h"
#include "explain/chart/chart_words.h"

namespace cajal {
namespace {

constexpr double kPad = 32.0;       // around a picture that stands alone
constexpr double kHeading = 62.0;   // title and prompt above it
constexpr double kLegend = 46.0;    // legend and line of truth below
constexpr double kNumbered = 11.0;  // bands from here on are wide enough for their number

/// The picture's own colours; the page has the same as variables (page/page.css). librsvg knows no
/// variables, so each is written out.
constexpr std::string_view kStyle = R"(
svg { font-family: Inter, "DejaVu Sans", system-ui, sans-serif; background: #fbfaf7; }
text { fill: #1d1d1b; }
.paper { fill: #fbfaf7; }
.soft, .column, .where, .legend { fill: #6a6862; }
.column, .legend { font-size: 12px; }
.heading { font-size: 19px; font-weight: 600; }
.box .frame { fill: #ffffff; stroke: #dedbd3; }
.name { font-size: 14px; font-weight: 600; }
.where { font-size: 11.5px; }
.word .name, .prompt { font-family: "DejaVu Sans Mono", ui-monospace, monospace; font-weight: 400; }
.prompt { font-size: 13px; }
.answer .name { font-size: 19px; fill: #2f6db3; }
.unexplained .frame { fill: none; stroke: #a5a29a; stroke-dasharray: 3 4; }
.bar { fill: #2f6db3; }
.against .bar, .mark.no { fill: #b4540f; }
.unexplained .bar { fill: #a5a29a; }
.mark { font-size: 13px; fill: #2f6db3; }
.flow { fill: none; stroke: #2f6db3; stroke-opacity: .34; }
.flow.against { stroke: #c2641a; stroke-opacity: .42; }
.flow.unknown { stroke: #a5a29a; stroke-opacity: .34; }
.number { font-size: 10.5px; fill: #45433e; }
@media (prefers-color-scheme: dark) {
  svg { background: #16171a; }
  text { fill: #ecebe6; }
  .paper { fill: #16171a; }
  .soft, .column, .where, .legend { fill: #a3a199; }
  .box .frame { fill: #1e2024; stroke: #3a3d43; }
  .answer .name, .mark { fill: #79aee8; }
  .bar { fill: #79aee8; }
  .against .bar, .mark.no { fill: #eb9a5a; }
  .unexplained .frame { fill: none; stroke: #6d6b66; }
  .unexplained .bar { fill: #8b8982; }
  .flow { stroke: #79aee8; }
  .flow.against { stroke: #eb9a5a; }
  .flow.unknown { stroke: #8b8982; }
  .number { fill: #c9c7c0; }
}
)";

std::string text_at(double x, double y, std::string_view classes, std::string_view text) {
  return fmt::format(R"(<text class="{}" x="{:.1f}" y="{:.1f}">{}</text>)", classes, x, y,
                     escaped(text));
}

std::string band_classes(const Chart& chart, const ChartEdge& edge) {
  const ChartBox* source = chart.box(edge.source);
  std::string out = "flow";
  if (source != nullptr && source->kind == BoxKind::Unexplained) {
    out += " unknown";
  } else if (speaks_against(edge.effect)) {
    out += " against";
  }
  return failed(edge.claim) ? out + " failed" : out;
}

std::string path_of(const PlacedBand& band) {
  const auto& points = band.points;
  std::string out = fmt::format("M{:.1f} {:.1f}", points[0].x, points[0].y);
  for (std::size_t p = 0; p + 1 < points.size(); p += 2) {
    const LayoutPoint& a = points[p];
    const LayoutPoint& b = points[p + 1];
    // Half way; backwards it swings out, so that it leaves and comes in level all the same.
    const double bend = b.x > a.x ? (b.x - a.x) / 2.0 : 70.0;
    out += fmt::format(" C{:.1f} {:.1f} {:.1f} {:.1f} {:.1f} {:.1f}", a.x + bend, a.y, b.x - bend,
                       b.y, b.x, b.y);
    if (p + 2 < points.size()) {
      out += fmt::format(" L{:.1f} {:.1f}", points[p + 2].x, points[p + 2].y);
    }
  }
  return out;
}

class Drawing {
 public:
  Drawing(const Chart& chart, SvgUse use)
      : chart_(chart), use_(use), layout_(layout_chart(chart)), first_(first_box(chart)) {}

  SvgPicture run() const {
    const bool alone = use_ == SvgUse::Alone;
    const double width = alone ? std::max(layout_.width, kLeastWidth) + 2 * kPad : layout_.width;
    const double height = alone ? layout_.height + 2 * kPad + kHeading + kLegend : layout_.height;
    std::string out = fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {:.0f} {:.0f}\" width=\"{:.0f}\" "
        "height=\"{:.0f}\" role=\"{}\" aria-label=\"{}\">\n",
        width, height, width, height, alone ? "img" : "group", escaped(summary()));
    if (alone) {
      out += fmt::format("<title>{}</title>\n<style>{}</style>\n", escaped(chart_.title), kStyle);
      out += "<rect class=\"paper\" width=\"100%\" height=\"100%\"/>\n" + heading(width);
      out += fmt::format("<g transform=\"translate({} {})\">\n", kPad, kPad + kHeading);
    }
    out += columns() + bands() + boxes();
    return {out + (alone ? "</g>\n" + legend(height) : "") + "</svg>\n", width, height};
  }

 private:
  static constexpr double kLeastWidth = 760.0;  // for the line of truth

  std::string summary() const {
    return "Flow chart, from words of the prompt through ideas to the answer. " + chart_.title;
  }

  std::string heading(double width) const {
    const auto letters = static_cast<std::size_t>((width - 2 * kPad) / 7.9);
    return text_at(kPad, kPad + 12, "heading",
                   wrapped(shown_token(chart_.title), width - 2 * kPad, 19, true, 1).front()) +
           text_at(kPad, kPad + 36, "prompt", cut_to_width(shown_token(chart_.prompt), letters)) +
           "\n";
  }

  std::string legend(double height) const {
    const std::string marks =
        "A band's width is its share of the answer. Blue speaks for, orange against it; dashed: "
        "did not hold when tried.";
    const std::string truth = fmt::format(
        "Claims that held when tried: {} of {} · replacement {:.2f} · completeness "
        "{:.2f} · rows sum to {}",
        chart_.claims_held, chart_.claims_tried, chart_.replacement, chart_.completeness,
        residual_text(chart_.largest_residual));
    return text_at(kPad, height - kPad - 16, "legend", marks) +
           text_at(kPad, height - kPad + 4, "legend", truth) + "\n";
  }

  std::string columns() const {
    std::string out;
    for (const ColumnTitle& title : layout_.titles) {
      out += text_at(title.x, 14, "column", title.text) + "\n";
    }
    return out;
  }

  /// Two short dashes of a wide band look like blocks: dashes grow with the width.
  static std::string dashes(const PlacedBand& band) {
    const double dash = std::clamp(band.width / 3.0, 4.0, 9.0);
    return fmt::format(" stroke-dasharray=\"{:.1f} {:.1f}\"", dash, dash * 0.8);
  }

  std::string bands() const {
    std::string out = "<g class=\"bands\">\n";
    for (const PlacedBand& band : layout_.bands) {
      const ChartEdge& edge = chart_.edges[band.edge];
      const std::string keys =
          use_ == SvgUse::Page
              ? fmt::format(
                    " id=\"edge-{}\" data-panel=\"edge-{}\" data-from=\"{}\" data-to=\"{}\" "
                    "tabindex=\"-1\" role=\"button\"",
                    band.edge, band.edge, index_of(edge.source), index_of(edge.target))
              : std::string(" role=\"img\"");
      out += fmt::format(
          "<path class=\"{}\" stroke-width=\"{:.1f}\"{} d=\"{}\"{} aria-label=\"{}\"><title>{}"
          "</title></path>\n",
          band_classes(chart_, edge), band.width, failed(edge.claim) ? dashes(band) : "",
          path_of(band), keys, escaped(alternative_text(chart_, edge)),
          escaped(alternative_text(chart_, edge)));
    }
    return out + "</g>\n" + numbers();
  }

  /// The share on bands that are wide enough, where they begin.
  std::string numbers() const {
    std::string out = "<g class=\"numbers\" aria-hidden=\"true\">\n";
    for (const PlacedBand& band : layout_.bands) {
      const ChartEdge& edge = chart_.edges[band.edge];
      if (band.width >= kNumbered) {
        out += text_at(band.points[0].x + 7, band.points[0].y + 3.7, "number",
                       percent_text(speaks_against(edge.effect) ? -edge.share : edge.share));
      }
    }
    return out + "</g>\n";
  }

  std::size_t index_of(const std::string& id) const {
    return static_cast<std::size_t>(chart_.box(id) - chart_.boxes.data());
  }

  static std::string_view class_of(BoxKind kind) {
    switch (kind) {
      case BoxKind::Word:
        return "word";
      case BoxKind::Idea:
        return "idea";
      case BoxKind::Answer:
        return "answer";
      case BoxKind::Unexplained:
        return "unexplained";
    }
    return "";
  }

  std::string boxes() const {
    std::string out;
    for (const PlacedBox& placed : layout_.boxes) {
      out += box(placed);
    }
    return out;
  }

  std::string box(const PlacedBox& placed) const {
    const ChartBox& box = chart_.boxes[placed.box];
    const bool page = use_ == SvgUse::Page;
    const std::string keys =
        page ? fmt::format(
                   " id=\"box-{0}\" data-panel=\"box-{0}\" data-box=\"{0}\" data-column=\"{1}\"{2} "
                   "tabindex=\"0\" role=\"button\" aria-pressed=\"false\"",
                   placed.box, placed.column, placed.box == first_ ? " data-first=\"\"" : "")
             : std::string(" role=\"img\"");
    std::string out = fmt::format(
        "<g class=\"box {}{}\"{} transform=\"translate({:.1f} {:.1f})\" aria-label=\"{}\"><title>{}"
        "</title>\n",
        class_of(box.kind), speaks_against(box.effect) ? " against" : "", keys, placed.x, placed.y,
        escaped(alternative_text(chart_, box)), escaped(name_text(box)));
    out += fmt::format(
        "<clipPath id=\"clip-{0}\"><rect width=\"{1:.1f}\" height=\"{2:.1f}\" rx=\"8\"/></clipPath>"
        "<rect class=\"frame\" width=\"{1:.1f}\" height=\"{2:.1f}\" rx=\"8\"/>\n",
        placed.box, placed.width, placed.height);
    return out + bar(box, placed) + texts(box, placed) + "</g>\n";
  }

  std::string bar(const ChartBox& box, const PlacedBox& placed) const {
    if (box.kind == BoxKind::Answer) {
      return "";
    }
    const double share = box.kind == BoxKind::Unexplained ? chart_.unexplained : box.share;
    return fmt::format(
        "<g clip-path=\"url(#clip-{})\"><rect class=\"bar\" y=\"{:.1f}\" width=\"{:.1f}\" "
        "height=\"3\"/></g>\n",
        placed.box, placed.height - 3, std::clamp(share, 0.0, 1.0) * placed.width);
  }

  std::string texts(const ChartBox& box, const PlacedBox& placed) const {
    const double line = box.kind == BoxKind::Answer ? 22.0 : kLine;
    const auto lines = static_cast<double>(placed.name.size());
    const double small = box.kind == BoxKind::Word     ? 0.0
                         : box.kind == BoxKind::Answer ? 36.0
                                                       : 18.0;
    double y = (placed.height - lines * line - small) / 2.0 + line - 4.0;
    std::string out;
    for (const std::string& name : placed.name) {
      out += text_at(kInside, y, "name", name);
      y += line;
    }
    if (box.kind == BoxKind::Answer) {
      out += text_at(kInside, y, "where", where_text(chart_, box));
      y += kLine;
    }
    if (!placed.where.empty()) {
      out += text_at(kInside, y, "where", placed.where);
    }
    if (box.claim) {
      out += text_at(placed.width - kInside - 8, (placed.height - lines * line - small) / 2.0 + 14,
                     box.claim->held() ? "mark yes" : "mark no", box.claim->held() ? "✓" : "✗");
    }
    return out;
  }

  /// What the page shows first: the first idea of the strongest route.
  static std::size_t first_box(const Chart& chart) {
    for (const ChartRoute& route : chart.routes) {
      for (const std::string& id : route.boxes) {
        const ChartBox* box = chart.box(id);
        if (box != nullptr && box->kind == BoxKind::Idea) {
          return static_cast<std::size_t>(box - chart.boxes.data());
        }
      }
    }
    return 0;
  }

  const Chart& chart_;
  SvgUse use_;
  ChartLayout layout_;
  std::size_t first_;
};

std::string claim_words(const std::optional<TriedClaim>& claim) {
  return claim ? "; when tried, it " + verdict_text(*claim) : "";
}

std::string direction(double effect) {
  return speaks_against(effect) ? "speaks against the answer" : "speaks for the answer";
}

}  // namespace

std::string alternative_text(const Chart& chart, const ChartBox& box) {
  switch (box.kind) {
    case BoxKind::Word:
      return fmt::format("Word {}: {} of the answer comes from it", name_text(box),
                         percent_text(box.share));
    case BoxKind::Idea:
      return fmt::format("Idea {}: {}; {} of the answer flows through it; {}{}", name_text(box),
                         where_text(chart, box), percent_text(box.share), direction(box.effect),
                         claim_words(box.claim));
    case BoxKind::Answer:
      return fmt::format("Answer {}: {}", name_text(box), where_text(chart, box));
    case BoxKind::Unexplained:
      return fmt::format("Not explained: {} of the answer", percent_text(chart.unexplained));
  }
  return {};
}

std::string alternative_text(const Chart& chart, const ChartEdge& edge) {
  const ChartBox* from = chart.box(edge.source);
  const ChartBox* to = chart.box(edge.target);
  if (from == nullptr || to == nullptr) {
    return {};
  }
  return fmt::format("{} to {}: {} of the answer; {}{}", name_text(*from), name_text(*to),
                     percent_text(edge.share), direction(edge.effect), claim_words(edge.claim));
}

SvgPicture draw_svg(const Chart& chart, SvgUse use) {
  return Drawing(chart, use).run();
}

}  // namespace cajal
