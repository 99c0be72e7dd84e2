#include "explain/chart/chart_layout.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <set>

#include "explain/chart/chart_boxes.h"
#include "explain/chart/dot_layout.h"

namespace cajal {
namespace {

constexpr double kWhole = 120.0;     // width of a band that is all of the answer
constexpr double kThinnest = 1.5;    // of any band
constexpr double kGap = 22.0;        // between boxes of a column
constexpr double kBandGap = 6.0;     // beside a band on its way between boxes
constexpr double kFree = 10.0;       // of a box's side, beyond its bands
constexpr double kTop = 30.0;        // for the titles of columns
constexpr double kMargin = 2.0;      // so that outlines are not cut
constexpr double kWideColumns = 92;  // between columns, where there are few
constexpr double kColumns = 66;      // where there are many
constexpr std::size_t kFew = 4;

double width_of(const ChartEdge& edge) {
  const double share = std::isfinite(edge.share) ? std::clamp(edge.share, 0.0, 1.0) : 0.0;
  return std::max(kThinnest, kWhole * share);
}

/// An edge and what dot is to place for it between distant columns.
struct Way {
  std::size_t edge = 0;
  std::size_t from = 0;  // boxes
  std::size_t to = 0;
  std::vector<std::size_t> stops = {};  // nodes, one a column in between
};

class Layout {
 public:
  explicit Layout(const Chart& chart) : chart_(chart) {}

  ChartLayout run() {
    find_ways();
    measure_boxes();
    find_columns();
    place();
    add_bands();
    add_titles();
    return std::move(out_);
  }

 private:
  void find_ways() {
    std::map<std::string, std::size_t> index;
    for (std::size_t b = 0; b < chart_.boxes.size(); ++b) {
      index.emplace(chart_.boxes[b].id, b);
    }
    for (std::size_t e = 0; e < chart_.edges.size(); ++e) {
      const auto from = index.find(chart_.edges[e].source);
      const auto to = index.find(chart_.edges[e].target);
      if (from != index.end() && to != index.end() && from != to) {
        ways_.push_back({.edge = e, .from = from->second, .to = to->second});
      }
    }
  }

  double width(const Way& way) const { return width_of(chart_.edges[way.edge]); }

  void measure_boxes() {
    std::vector<double> in(chart_.boxes.size());
    std::vector<double> out(chart_.boxes.size());
    for (const Way& way : ways_) {
      out[way.from] += width(way);
      in[way.to] += width(way);
    }
    for (std::size_t b = 0; b < chart_.boxes.size(); ++b) {
      PlacedBox box = box_of_text(chart_, b);
      box.height = std::max({box.height, in[b] + kFree, out[b] + kFree});
      out_.boxes.push_back(std::move(box));
    }
  }

  /// The grey box that feeds nothing but the answer stands below everything else, where its band
  /// crosses no other.
  bool is_apart(std::size_t b) const {
    return chart_.boxes[b].kind == BoxKind::Unexplained &&
           std::all_of(ways_.begin(), ways_.end(), [&](const Way& way) {
             return way.to != b && (way.from != b || chart_.boxes[way.to].kind == BoxKind::Answer);
           });
  }

  std::vector<DotNode> nodes_of_boxes() const {
    std::vector<DotNode> out;
    for (std::size_t b = 0; b < out_.boxes.size(); ++b) {
      const BoxKind kind = chart_.boxes[b].kind;
      out.push_back({.height = out_.boxes[b].height,
                     .rank = kind == BoxKind::Word     ? DotRank::First
                             : kind == BoxKind::Answer ? DotRank::Last
                                                       : DotRank::Any});
    }
    return out;
  }

  unsigned weight(const Way& way) const {
    return 1 + static_cast<unsigned>(10.0 * width(way) / kWhole);
  }

  /// First pass: which column each box stands in.
  void find_columns() {
    std::vector<DotEdge> edges;
    for (const Way& way : ways_) {
      if (!is_apart(way.from)) {
        edges.push_back({way.from, way.to, weight(way)});
      }
    }
    const auto places = place_with_dot(nodes_of_boxes(), edges, kGap);
    const auto rank = [&](std::size_t b) { return std::max<std::size_t>(places[b].rank, 1); };
    std::set<std::size_t> used;  // by ideas; the first column is for words
    for (std::size_t b = 0; b < places.size(); ++b) {
      if (is_placed_idea(b)) {
        used.insert(rank(b));
      }
    }
    columns_ = used.size() + 2;  // the last is that of the answer
    for (std::size_t b = 0; b < places.size(); ++b) {
      const auto before = std::distance(used.begin(), used.find(rank(b)));
      const bool word = chart_.boxes[b].kind == BoxKind::Word;
      const bool answer = chart_.boxes[b].kind == BoxKind::Answer;
      out_.boxes[b].column = is_placed_idea(b) ? 1 + static_cast<std::size_t>(before)
                             : word            ? 0
                             : answer          ? columns_ - 1
                                               : columns_ - 2;
    }
  }

  bool is_placed_idea(std::size_t b) const {
    const BoxKind kind = chart_.boxes[b].kind;
    return kind != BoxKind::Word && kind != BoxKind::Answer && !is_apart(b);
  }

  /// Second pass: the same with a node for each column that a band passes.
  void place() {
    std::vector<DotNode> nodes = nodes_of_boxes();
    std::vector<DotEdge> edges;
    for (Way& way : ways_) {
      if (is_apart(way.from)) {
        continue;
      }
      std::size_t at = way.from;
      for (std::size_t c = out_.boxes[way.from].column + 1; c < out_.boxes[way.to].column; ++c) {
        nodes.push_back({.height = width(way) + kBandGap});
        edges.push_back({at, nodes.size() - 1, 2 * weight(way)});
        at = nodes.size() - 1;
        way.stops.push_back(at);
      }
      edges.push_back({at, way.to, weight(way)});
    }
    places_ = place_with_dot(nodes, edges, kGap);
    place_columns();
    place_rows(nodes);
  }

  void place_columns() {
    std::vector<double> widths(columns_);
    for (const PlacedBox& box : out_.boxes) {
      widths[box.column] = std::max(widths[box.column], box.width);
    }
    left_.assign(1, kMargin);
    for (const double width : widths) {
      right_.push_back(left_.back() + width);
      left_.push_back(right_.back() + (columns_ <= kFew ? kWideColumns : kColumns));
    }
    for (PlacedBox& box : out_.boxes) {
      box.width = widths[box.column];
      box.x = left_[box.column];
    }
    out_.width = right_.back() + kMargin;
  }

  void place_rows(const std::vector<DotNode>& nodes) {
    double top = 0.0;
    double bottom = 0.0;
    for (std::size_t n = 0; n < nodes.size(); ++n) {
      if (n >= out_.boxes.size() || !is_apart(n)) {
        top = std::min(top, places_[n].middle - nodes[n].height / 2.0);
        bottom = std::max(bottom, places_[n].middle + nodes[n].height / 2.0);
      }
    }
    for (DotPlace& place : places_) {
      place.middle += kTop - top;
    }
    out_.height = bottom + kTop - top;
    for (std::size_t b = 0; b < out_.boxes.size(); ++b) {
      PlacedBox& box = out_.boxes[b];
      if (is_apart(b)) {
        places_[b].middle = out_.height + kGap + box.height / 2.0;
      }
      box.y = places_[b].middle - box.height / 2.0;
    }
    for (const PlacedBox& box : out_.boxes) {
      out_.height = std::max(out_.height, box.y + box.height + kMargin);
    }
  }

  /// The height at which a way comes to or leaves the box's neighbour column.
  double next_height(const Way& way, bool leaving) const {
    if (way.stops.empty()) {
      return places_[leaving ? way.to : way.from].middle;
    }
    return places_[leaving ? way.stops.front() : way.stops.back()].middle;
  }

  /// Where each band meets its box's side: one beside the other, in the order of where they come
  /// from or go to.
  std::vector<double> heights_at(bool leaving) const {
    std::vector<double> out(ways_.size());
    for (std::size_t b = 0; b < out_.boxes.size(); ++b) {
      std::vector<std::size_t> mine;
      double total = 0.0;
      for (std::size_t w = 0; w < ways_.size(); ++w) {
        if ((leaving ? ways_[w].from : ways_[w].to) == b) {
          mine.push_back(w);
          total += width(ways_[w]);
        }
      }
      std::stable_sort(mine.begin(), mine.end(), [&](std::size_t x, std::size_t y) {
        return next_height(ways_[x], leaving) < next_height(ways_[y], leaving);
      });
      double at = places_[b].middle - total / 2.0;
      for (const std::size_t w : mine) {
        out[w] = at + width(ways_[w]) / 2.0;
        at += width(ways_[w]);
      }
    }
    return out;
  }

  void add_bands() {
    const std::vector<double> begins = heights_at(true);
    const std::vector<double> ends = heights_at(false);
    for (std::size_t w = 0; w < ways_.size(); ++w) {
      const Way& way = ways_[w];
      const PlacedBox& from = out_.boxes[way.from];
      const PlacedBox& to = out_.boxes[way.to];
      PlacedBand band{.edge = way.edge, .width = width(way), .points = {}};
      band.points.push_back({from.x + from.width, begins[w]});
      for (std::size_t s = 0; s < way.stops.size(); ++s) {
        const double y = places_[way.stops[s]].middle;
        band.points.push_back({left_[from.column + 1 + s], y});
        band.points.push_back({right_[from.column + 1 + s], y});
      }
      band.points.push_back({to.x, ends[w]});
      out_.bands.push_back(std::move(band));
    }
    std::stable_sort(out_.bands.begin(), out_.bands.end(),
                     [](const PlacedBand& a, const PlacedBand& b) { return a.width > b.width; });
  }

  void add_titles() {
    if (chart_.boxes.empty()) {
      return;
    }
    out_.titles.push_back({"words", left_[0]});
    if (columns_ > 2) {
      out_.titles.push_back({"ideas", left_[1]});
    }
    out_.titles.push_back({"answer", left_[columns_ - 1]});
  }

  const Chart& chart_;
  ChartLayout out_;
  std::vector<Way> ways_;
  std::size_t columns_ = 0;
  std::vector<DotPlace> places_;  // of boxes, then of stops
  std::vector<double> left_;      // of columns
  std::vector<double> right_;
};

}  // namespace

ChartLayout layout_chart(const Chart& chart) {
  return Layout(chart).run();
}

}  // namespace cajal
