#include "explain/chart/chart_tree.h"

#include <algorithm>
#include <array>
#include <numeric>

#include <fmt/format.h>

#include "explain/chart/chart_text.h"
#include "explain/chart/chart_words.h"

namespace cajal {
namespace {

constexpr std::size_t kLeftMargin = 2;  // at the left
// Columns between two columns of boxes, " ─┬── ", and where that leaves too little for names.
constexpr std::array<std::size_t, 2> kJoins = {6, 5};
constexpr std::size_t kLeastName = 13;  // columns for the name of an idea
constexpr std::size_t kUsualName = 14;  // where there is room, however short names are
constexpr std::size_t kMostName = 26;
constexpr std::size_t kMostWord = 14;
constexpr double kThick = 0.2;  // of the answer

enum class Line : std::uint8_t { None, Thin, Thick, Dashed, Dotted };

/// The box character for a place where lines meet: what comes from the left, leaves to the right,
/// and whether there is a line up and down.
std::string_view joint(Line left, Line right, bool up, bool down) {
  // [up, down][left none, thin, thick][right none, thin, thick]
  using Table = std::array<std::array<std::string_view, 3>, 3>;
  static constexpr std::array<Table, 4> kJoints = {
      {{{{" ", "╶", "╺"}, {"╴", "─", "╼"}, {"╸", "╾", "━"}}},
       {{{"╷", "┌", "┍"}, {"┐", "┬", "┮"}, {"┑", "┭", "┯"}}},
       {{{"╵", "└", "┕"}, {"┘", "┴", "┶"}, {"┙", "┵", "┷"}}},
       {{{"│", "├", "┝"}, {"┤", "┼", "┾"}, {"┥", "┽", "┿"}}}}};
  const auto weight = [](Line line) {
    return line == Line::Dashed || line == Line::Dotted ? 1U : static_cast<unsigned>(line);
  };
  return kJoints[(up ? 2U : 0U) + (down ? 1U : 0U)][weight(left)][weight(right)];
}

std::string_view stroke(Line line) {
  switch (line) {
    case Line::None:
      return " ";
    case Line::Thin:
      return "─";
    case Line::Thick:
      return "━";
    case Line::Dashed:
      return "╌";
    case Line::Dotted:
      return "┈";
  }
  return " ";
}

Line line_of(const ChartEdge& edge) {
  return failed(edge.claim) ? Line::Dashed : edge.share >= kThick ? Line::Thick : Line::Thin;
}

/// Lines of cells, each one column of the terminal; the second half of a wide character is empty.
class Canvas {
 public:
  Canvas(std::size_t rows, std::size_t columns)
      : cells_(rows, std::vector<std::string>(columns, " ")) {}

  void put(std::size_t row, std::size_t column, std::string_view cell) {
    if (row < cells_.size() && column < cells_[row].size()) {
      cells_[row][column] = cell;
    }
  }
  /// The text stands in one cell; those that it covers become empty.
  void write(std::size_t row, std::size_t column, const std::string& text) {
    put(row, column, text);
    for (std::size_t c = 1; c < terminal_width(text); ++c) {
      put(row, column + c, "");
    }
  }
  void rule(std::size_t row, std::size_t from, std::size_t to, std::string_view cell) {
    for (std::size_t c = from; c < to; ++c) {
      put(row, c, cell);
    }
  }
  std::vector<std::string> lines() const {
    std::vector<std::string> out;
    for (const auto& row : cells_) {
      std::string line = std::accumulate(row.begin(), row.end(), std::string());
      line.erase(line.find_last_not_of(' ') + 1);
      out.push_back(std::move(line));
    }
    return out;
  }

 private:
  std::vector<std::vector<std::string>> cells_;
};

/// The mark stays whatever is cut.
std::string marked_name(const ChartBox& box, std::size_t columns = SIZE_MAX) {
  const std::string mark = failed(box.claim) ? " ✗" : "";
  const std::size_t taken = terminal_width(mark);
  return short_name(box, columns > taken ? columns - taken : 0) + mark;
}

std::string note_of(const ChartBox& box) {
  return layers_text(box) + (speaks_against(box.effect) ? ", against" : "");
}

/// How a box is joined to the next; dotted where all ways are too small to be shown as edges.
struct Link {
  Line line = Line::None;
  double share = 0.0;
  bool against = false;
};

class Tree {
 public:
  Tree(const Chart& chart, std::size_t width)
      : chart_(chart), width_(width), children_(chart.boxes.size()), links_(chart.boxes.size()) {
    const auto mains = main_edges(chart);
    for (std::size_t b = 0; b < mains.size(); ++b) {
      const ChartBox* target = chart.box("answer");
      if (mains[b]) {
        const ChartEdge& edge = chart.edges[*mains[b]];
        target = chart.box(edge.target);
        links_[b] = {line_of(edge), edge.share, speaks_against(edge.effect)};
      } else if (chart.boxes[b].kind == BoxKind::Idea) {
        links_[b] = {Line::Dotted, chart.boxes[b].share, speaks_against(chart.boxes[b].effect)};
      } else {
        continue;
      }
      if (target != nullptr) {
        children_[static_cast<std::size_t>(target - chart.boxes.data())].push_back(b);
      }
    }
    for (auto& list : children_) {
      std::stable_sort(list.begin(), list.end(), [&](std::size_t x, std::size_t y) {
        return links_[x].share > links_[y].share;
      });
    }
  }

  std::vector<std::string> run() {
    const auto root = std::find_if(chart_.boxes.begin(), chart_.boxes.end(),
                                   [](const ChartBox& box) { return box.kind == BoxKind::Answer; });
    if (root == chart_.boxes.end()) {
      return {};
    }
    const auto answer = static_cast<std::size_t>(root - chart_.boxes.begin());
    return measure(answer) ? across(answer) : indented(answer);
  }

 private:
  bool is_word(std::size_t b) const { return chart_.boxes[b].kind == BoxKind::Word; }

  std::size_t idea_depth(std::size_t b) const {
    std::size_t deepest = 0;
    for (const std::size_t child : children_[b]) {
      deepest = std::max(deepest, is_word(child) ? 0 : 1 + idea_depth(child));
    }
    return deepest;
  }

  std::size_t longest_name(std::size_t b, BoxKind kind) const {
    std::size_t longest =
        chart_.boxes[b].kind == kind ? terminal_width(marked_name(chart_.boxes[b])) : 0;
    for (const std::size_t child : children_[b]) {
      longest = std::max(longest, longest_name(child, kind));
    }
    return longest;
  }

  /// Whether the columns have room beside each other; finds their widths.
  bool measure(std::size_t answer) {
    columns_ = idea_depth(answer);
    word_ = std::min(longest_name(answer, BoxKind::Word), kMostWord);
    answer_ = std::min<std::size_t>(terminal_width(name_text(chart_.boxes[answer])), 20);
    const std::size_t longest = longest_name(answer, BoxKind::Idea);
    return std::ranges::any_of(kJoins, [&](std::size_t join) { return fits(join, longest); });
  }

  /// The same when columns are joined like that.
  bool fits(std::size_t join, std::size_t longest) {
    const std::size_t used = kLeftMargin + word_ + join * (columns_ + 1) + answer_;
    const std::size_t left = width_ - std::min(used, width_);
    join_ = join;
    name_ =
        columns_ == 0 ? 0 : std::min(left / columns_, std::clamp(longest, kUsualName, kMostName));
    return columns_ == 0 ? used <= width_ : name_ >= kLeastName;
  }

  /// Where the names begin of boxes at this distance from the answer.
  std::size_t column_of(std::size_t distance) const {
    return kLeftMargin + word_ + join_ + (columns_ - distance) * (name_ + join_);
  }

  std::vector<std::string> across(std::size_t answer) {
    row_.assign(chart_.boxes.size(), 0);
    std::size_t rows = 0;
    place(answer, rows);
    Canvas canvas(rows, width_);
    draw(answer, 0, canvas);
    return canvas.lines();
  }

  /// Gives each box below `b` a row from `next` on; ideas take two lines at least.
  void place(std::size_t b, std::size_t& next) {
    const std::size_t begin = next;
    bool only_words = true;
    for (const std::size_t child : children_[b]) {
      only_words = only_words && is_word(child);
      place(child, next);
    }
    const auto& list = children_[b];
    row_[b] = list.empty() ? begin
              : only_words ? row_[list.front()]
                           : (row_[list.front()] + row_[list.back()]) / 2;
    const std::size_t lines = chart_.boxes[b].kind == BoxKind::Idea ? 2 : 1;
    next = std::max(next, begin + lines);
  }

  void draw(std::size_t b, std::size_t distance, Canvas& canvas) {
    const std::size_t column = is_word(b) ? kLeftMargin : column_of(distance);
    const std::size_t room = is_word(b) ? word_ : distance == 0 ? answer_ : name_;
    const ChartBox& box = chart_.boxes[b];
    canvas.write(row_[b], column, marked_name(box, room));
    if (box.kind == BoxKind::Idea) {
      canvas.write(row_[b] + 1, column, cut_to_width(note_of(box), room));
    }
    for (const std::size_t child : children_[b]) {
      draw(child, distance + 1, canvas);
      const std::size_t begin =
          (is_word(child) ? kLeftMargin : column_of(distance + 1)) +
          terminal_width(marked_name(chart_.boxes[child], is_word(child) ? word_ : name_));
      canvas.rule(row_[child], begin + 1, column - 4, stroke(links_[child].line));
    }
    if (!children_[b].empty()) {
      join(b, column, canvas);
    }
  }

  /// How the lines of all children go on together.
  Line line_of_children(std::size_t b) const {
    Line out = Line::Dashed;
    double share = 0.0;
    for (const std::size_t child : children_[b]) {
      share += links_[child].share;
      const Line line = links_[child].line;
      out = line == Line::Dashed || line == Line::Dotted ? out : Line::Thin;
    }
    return out == Line::Thin && share >= kThick ? Line::Thick : out;
  }

  /// The line of the child of `b` in this row.
  Line line_in_row(std::size_t b, std::size_t row) const {
    Line out = Line::None;
    for (const std::size_t child : children_[b]) {
      out = row_[child] == row ? links_[child].line : out;
    }
    return out;
  }

  /// The lines of all children come together and go on to `b`.
  void join(std::size_t b, std::size_t column, Canvas& canvas) {
    const std::size_t trunk = column - 4;
    std::size_t first = row_[b];
    std::size_t last = row_[b];
    for (const std::size_t child : children_[b]) {
      first = std::min(first, row_[child]);
      last = std::max(last, row_[child]);
    }
    const Line out = line_of_children(b);
    for (std::size_t r = first; r <= last; ++r) {
      const Line left = line_in_row(b, r);
      const bool here = r == row_[b];
      if (here && first == last) {
        canvas.put(r, trunk, stroke(out));
      } else {
        canvas.put(r, trunk, joint(left, here ? out : Line::None, r > first, r < last));
      }
    }
    canvas.rule(row_[b], trunk + 1, column - 1, stroke(out));
  }

  std::vector<std::string> indented(std::size_t answer) const {
    std::vector<std::string> out = {std::string(kLeftMargin, ' ') +
                                    name_text(chart_.boxes[answer])};
    indent(answer, std::string(kLeftMargin, ' '), out);
    return out;
  }

  void indent(std::size_t b, const std::string& before, std::vector<std::string>& out) const {
    for (std::size_t i = 0; i < children_[b].size(); ++i) {
      const std::size_t child = children_[b][i];
      const ChartBox& box = chart_.boxes[child];
      const bool last = i + 1 == children_[b].size();
      const bool thick = links_[child].line == Line::Thick;
      const std::string_view corner = last ? (thick ? "┕" : "└") : (thick ? "┝" : "├");
      const double share = links_[child].share;
      out.push_back(cut_to_width(
          fmt::format("{}{}{} {}  {}{}", before, corner, stroke(links_[child].line),
                      percent_text(links_[child].against ? -share : share), marked_name(box),
                      is_word(child) ? "" : "  (" + note_of(box) + ")"),
          width_));
      indent(child, before + (last ? "   " : "│  "), out);
    }
  }

  const Chart& chart_;
  std::size_t width_;
  std::vector<std::vector<std::size_t>> children_;
  std::vector<Link> links_;  // from a box to the one that it is joined to
  std::size_t columns_ = 0;  // of ideas
  std::size_t word_ = 0;     // widths
  std::size_t name_ = 0;
  std::size_t join_ = kJoins.front();
  std::size_t answer_ = 0;
  std::vector<std::size_t> row_;
};

}  // namespace

std::vector<std::string> draw_tree(const Chart& chart, std::size_t width) {
  return Tree(chart, width).run();
}

}  // namespace cajal
