// A chart for a terminal: each box once, joined to where most of it goes, then the routes with
// their numbers and the line of truth. Thick lines are a fifth of the answer or more, dashed ones
// did not hold when tried; all of it is in words, too.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "explain/chart/chart.h"

namespace cajal {

enum class TextColours : std::uint8_t { None, Ansi };

struct ChartTextOptions {
  std::size_t width = 80;  // columns
  TextColours colours = TextColours::None;
};

/// Lines of at most `width` columns, the last with its line break.
std::string to_text(const Chart& chart, const ChartTextOptions& options = {});

/// Where most of each box goes, on a way to the answer if it has one: index of the edge, nullopt
/// for the answer, the grey box and what leads nowhere. Strongest edges first; one that would close
/// a circle is passed over.
std::vector<std::optional<std::size_t>> main_edges(const Chart& chart);

}  // namespace cajal
