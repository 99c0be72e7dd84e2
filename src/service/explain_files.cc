#include "service/explain_files.h"

#include "explain/chart/chart_json.h"
#include "explain/chart/chart_page.h"
#include "explain/chart/chart_png.h"
#include "explain/chart/chart_svg.h"
#include "explain/chart/chart_text.h"
#include "explain/chart/versus_json.h"
#include "explain/chart/versus_page.h"
#include "explain/chart/versus_svg.h"
#include "explain/chart/versus_text.h"

namespace cajal {
namespace {

ChartTextOptions text_options(ChartColours colours) {
  return {.colours = colours == ChartColours::Ansi ? TextColours::Ansi : TextColours::None};
}

}  // namespace

std::string chart_text(const Chart& chart, ChartColours colours) {
  return to_text(chart, text_options(colours));
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

std::string chart_text(const VersusChart& chart, ChartColours colours) {
  return to_text(chart, text_options(colours));
}

Json chart_json(const VersusChart& chart) {
  return to_json(chart);
}

std::string chart_html(const VersusChart& chart) {
  return to_html(chart);
}

std::string chart_svg(const VersusChart& chart) {
  return to_svg(chart);
}

std::string chart_png(const VersusChart& chart) {
  return png_of_svg(to_svg(chart));
}

}  // namespace cajal
