#include "service/explain_files.h"

#include "explain/chart/chart_json.h"
#include "explain/chart/chart_page.h"
#include "explain/chart/chart_png.h"
#include "explain/chart/chart_svg.h"
#include "explain/chart/chart_text.h"

namespace cajal {

std::string chart_text(const Chart& chart, ChartColours colours) {
  return to_text(
      chart, {.colours = colours == ChartColours::Ansi ? TextColours::Ansi : TextColours::None});
}

Json chart_json(const Chart& chart) {
  return to_json(chart);
}

std::string chart_html(const Chart& chart) {
  return to_html(chart);
}

std::string chart_svg(const Chart& chart) {
  return to_svg(chart);
}

std::string chart_png(const Chart& chart) {
  return to_png(chart);
}

}  // namespace cajal
