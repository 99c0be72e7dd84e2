#include "explain/chart/chart_text.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include "explain/chart/chart_tree.h"
#include "explain/chart/chart_words.h"
#include "explain/chart/folded.h"

namespace cajal {
namespace {

constexpr std::size_t kRoutesShown = 6;

std::string coloured(const std::string& text, std::string_view code, TextColours colours) {
  return colours == TextColours::Ansi ? fmt::format("\033[{}m{}\033[0m", code, text) : text;
}

class Text {
 public:
  Text(const Chart& chart, const ChartTextOptions& options)
      : chart_(chart), width_(options.width), colours_(options.colours) {}

  std::string run() const {
    std::string out = title() + "\n";
    for (const std::string& line : draw_tree(chart_, width_)) {
      out += line + "\n";
    }
    return out + "\n" + routes() + not_explained() + failures() + truth() +
           notes_text(chart_.notes, chart_.footer, width_);
  }

 private:
  std::string title() const {
    return folded(fmt::format("{}  (probability {})", shown_token(chart_.title),
                              probability_text(chart_.answer_probability)),
                  width_, 2);
  }

  std::string entry(double share, const std::string& text) const {
    const std::string number = percent_text(share);
    const std::size_t pad = terminal_width(number) < 7 ? 7 - terminal_width(number) : 0;
    const std::string line = folded(std::string(pad, ' ') + number + "  " + text, width_, 9);
    return share < 0.0 ? coloured(line, "33", colours_) : line;
  }

  std::string routes() const {
    std::string out;
    const std::size_t shown = std::min(kRoutesShown, chart_.routes.size());
    for (std::size_t r = 0; r < shown; ++r) {
      const ChartRoute& route = chart_.routes[r];
      const bool against = speaks_against(route.effect);
      const std::string way = route_text(chart_, route);
      out +=
          entry(against ? -route.share : route.share, against ? way + "  (speaks against)" : way);
    }
    if (shown < chart_.routes.size()) {
      double rest = 0.0;
      for (std::size_t r = shown; r < chart_.routes.size(); ++r) {
        rest += chart_.routes[r].share;
      }
      out += entry(rest, fmt::format("in {} weaker ways", chart_.routes.size() - shown));
    }
    return out;
  }

  std::string not_explained() const {
    return chart_.boxes.empty() ? "" : entry(chart_.unexplained, "not explained");
  }

  /// Names alone: the numbers are in the page and in the JSON.
  std::string failures() const {
    std::string names;
    for (const ChartBox& box : chart_.boxes) {
      if (box.kind == BoxKind::Idea && failed(box.claim)) {
        names += (names.empty() ? "" : "; ") + name_text(box);
      }
    }
    return names.empty() ? ""
                         : coloured(folded("  ✗ did not hold when tried: " + names, width_, 4),
                                    "33", colours_);
  }

  std::string truth() const {
    const std::string claims =
        chart_.claims_tried == 0
            ? "no claim tried"
            : fmt::format("claims held {} of {}", chart_.claims_held, chart_.claims_tried);
    return folded(fmt::format("  {} · replacement {:.2f} · completeness {:.2f} · rows sum to {}",
                              claims, chart_.replacement, chart_.completeness,
                              residual_text(chart_.largest_residual)),
                  width_, 4);
  }

  const Chart& chart_;
  std::size_t width_;
  TextColours colours_;
};

using Ends = std::pair<std::optional<std::size_t>, std::optional<std::size_t>>;

/// Indices of the boxes that an edge joins; nullopt for what is not there.
Ends ends_of(const Chart& chart, const ChartEdge& edge) {
  const auto index = [&](const std::string& id) {
    const ChartBox* box = chart.box(id);
    return box == nullptr ? std::nullopt
                          : std::optional(static_cast<std::size_t>(box - chart.boxes.data()));
  };
  return {index(edge.source), index(edge.target)};
}

/// Which boxes have a way of edges to the answer.
std::vector<bool> boxes_that_arrive(const Chart& chart) {
  std::vector<bool> out;
  out.reserve(chart.boxes.size());
  for (const ChartBox& box : chart.boxes) {
    out.push_back(box.kind == BoxKind::Answer);
  }
  for (bool more = true; more;) {
    more = false;
    for (const ChartEdge& edge : chart.edges) {
      const auto [from, to] = ends_of(chart, edge);
      if (from && to && out[*to] && !out[*from]) {
        out[*from] = more = true;
      }
    }
  }
  return out;
}

/// Whether going on from `b` along main edges comes to `to`.
bool leads_to(const Chart& chart, const std::vector<std::optional<std::size_t>>& mains,
              std::size_t b, std::size_t to) {
  while (b != to && mains[b]) {
    b = static_cast<std::size_t>(chart.box(chart.edges[*mains[b]].target) - chart.boxes.data());
  }
  return b == to;
}

}  // namespace

std::vector<std::optional<std::size_t>> main_edges(const Chart& chart) {
  std::vector<std::size_t> order(chart.edges.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return chart.edges[a].share > chart.edges[b].share;
  });
  const std::vector<bool> arrives = boxes_that_arrive(chart);
  std::vector<std::optional<std::size_t>> out(chart.boxes.size());
  // First among ways that come to the answer, then among those of boxes that have none.
  for (const bool arriving : {true, false}) {
    for (const std::size_t e : order) {
      const auto [from, to] = ends_of(chart, chart.edges[e]);
      if (from && to && !out[*from] && arrives[*to] == arriving && arrives[*from] == arriving &&
          chart.boxes[*from].kind != BoxKind::Unexplained &&
          chart.boxes[*from].kind != BoxKind::Answer && !leads_to(chart, out, *to, *from)) {
        out[*from] = e;
      }
    }
  }
  return out;
}

std::string to_text(const Chart& chart, const ChartTextOptions& options) {
  return Text(chart, options).run();
}

}  // namespace cajal
