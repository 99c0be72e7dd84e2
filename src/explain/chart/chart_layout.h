// Where the boxes and bands of a chart go: words at the left, ideas in as many columns as routes
// need, the answer at the right. Columns and order come from graphviz (explain/chart/dot_layout.h);
// a band's width is its share of the answer, and long bands get a place of their own between boxes.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "explain/chart/chart.h"

namespace cajal {

struct LayoutPoint {
  double x = 0.0;
  double y = 0.0;
};

struct PlacedBox {
  std::size_t box = 0;  // of the chart
  std::size_t column = 0;
  double x = 0.0;  // of the upper left corner, in pixels
  double y = 0.0;
  double width = 0.0;
  double height = 0.0;
  std::vector<std::string> name;  // one or two lines that fit
  std::string where;              // one line that fits
};

/// A band as a line of this width: level at every point, a curve from each odd point to the next,
/// level from each even one to the next.
struct PlacedBand {
  std::size_t edge = 0;  // of the chart
  double width = 0.0;
  std::vector<LayoutPoint> points;  // an even number: begin, pairs on the way, end
};

struct ColumnTitle {
  std::string text;
  double x = 0.0;
};

struct ChartLayout {
  double width = 0.0;
  double height = 0.0;
  std::vector<PlacedBox> boxes;   // as the chart's
  std::vector<PlacedBand> bands;  // widest first
  std::vector<ColumnTitle> titles;
};

/// Edges between boxes that the chart lacks are left out. Throws what place_with_dot throws.
ChartLayout layout_chart(const Chart& chart);

/// About how wide a text is in a sans-serif of this size, in pixels; rather more than less.
double text_width(std::string_view text, double size, bool bold);

}  // namespace cajal
