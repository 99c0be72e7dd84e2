// A chart as SVG: the picture alone, as `--svg` writes it, or as part of the page.
#pragma once

#include <cstdint>
#include <string>

#include "explain/chart/chart.h"

namespace cajal {

enum class SvgUse : std::uint8_t {
  Alone,  // a file: its own colours (light, and dark where the viewer prefers that), title, legend
  Page,   // within the page, which brings the style and makes boxes and bands answer to keys
};

struct SvgPicture {
  std::string text;
  double width = 0.0;  // in pixels
  double height = 0.0;
};

/// Text stays text. Every box and band has a text alternative. Throws what layout_chart throws.
SvgPicture draw_svg(const Chart& chart, SvgUse use);
inline std::string to_svg(const Chart& chart) {
  return draw_svg(chart, SvgUse::Alone).text;
}

/// What a box or band says to somebody who does not see it.
std::string alternative_text(const Chart& chart, const ChartBox& box);
std::string alternative_text(const Chart& chart, const ChartEdge& edge);

}  // namespace cajal
