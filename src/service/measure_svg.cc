// What measuring found, as a picture: a row for each layer, bars for what is lost.
#include <algorithm>

#include <fmt/format.h>

#include "base/markup.h"
#include "service/measure.h"

namespace cajal {
namespace {

constexpr int kRow = 22;
constexpr int kBar = 260;  // of the value 1
constexpr int kLabels = 120;
constexpr int kTop = 64;

struct Column {
  std::string title;
  std::string colour;
  std::vector<std::optional<double>> values;  // by row, 0 to 1
};

std::string text_at(int x, int y, std::string_view text, std::string_view style = "") {
  return fmt::format("<text x=\"{}\" y=\"{}\" {}>{}</text>\n", x, y, style, escaped(text));
}

std::string bars(const Column& column, int x) {
  std::string out = text_at(x, kTop - 10, column.title);
  for (std::size_t r = 0; r < column.values.size(); ++r) {
    const int y = kTop + static_cast<int>(r) * kRow;
    if (!column.values[r]) {
      out += text_at(x, y + 15, "not measured", "fill=\"#888\"");
      continue;
    }
    const double value = *column.values[r];
    out += fmt::format("<rect x=\"{}\" y=\"{}\" width=\"{:.1f}\" height=\"{}\" fill=\"{}\"/>\n", x,
                       y, std::clamp(value, 0.0, 1.0) * kBar, kRow - 6, column.colour);
    out += text_at(x + kBar + 6, y + 13, fmt::format("{:.3f}", value));
  }
  return out;
}

Column fvu_column(std::string title, std::string colour, const std::vector<LayerResult>& layers,
                  const std::vector<Metric>& total, std::size_t rows) {
  Column out{.title = std::move(title), .colour = std::move(colour), .values = {}};
  for (const LayerResult& layer : layers) {
    out.values.push_back(value_of(layer.metrics, "fvu"));
  }
  out.values.resize(rows - 1);
  out.values.push_back(value_of(total, "fvu"));
  return out;
}

}  // namespace

std::string to_svg(const MeasureResult& result, std::string_view title) {
  std::vector<Column> columns;
  std::string body;
  std::size_t rows = 0;
  if (result.corpus) {
    const DictionaryResult& c = *result.corpus;
    rows = c.layers.size() + 1;
    columns.push_back(
        fvu_column("FVU: what it does not explain", "#1f5a99", c.layers, c.total, rows));
    for (const BaselineResult& b : c.baselines) {
      columns.push_back(fvu_column("FVU of " + b.name, "#9aa7b4", b.layers, b.total, rows));
    }
    Column lost{.title = "CE lost by replacing (0: none, 1: as by zeros)",
                .colour = "#b4552d",
                .values = {}};
    const char* const name = "ce_recovered_sae_keep_bos_vs_zero_keep_bos";
    const auto add = [&](const SpliceResult& splice) {
      const auto recovered = value_of(splice.all, name);
      lost.values.push_back(recovered ? std::optional(1.0 - *recovered) : std::nullopt);
    };
    for (std::size_t r = 0; r < c.layers.size(); ++r) {
      const int y = kTop + static_cast<int>(r) * kRow;
      body += text_at(16, y + 15, fmt::format("layer {}", c.layers[r].layer));
      add(c.layers[r].splice);
    }
    body += text_at(16, kTop + static_cast<int>(c.layers.size()) * kRow + 15, "all");
    add(c.splice);
    columns.push_back(std::move(lost));
  }
  for (std::size_t i = 0; i < columns.size(); ++i) {
    body += bars(columns[i], kLabels + static_cast<int>(i) * (kBar + 80));
  }
  const int width =
      kLabels + static_cast<int>(std::max<std::size_t>(columns.size(), 1)) * (kBar + 80);
  return fmt::format(
             "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" "
             "font-family=\"sans-serif\" font-size=\"12\">\n"
             "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n",
             width, kTop + static_cast<int>(rows) * kRow + 20) +
         text_at(16, 24, title, "font-size=\"14\"") + body + "</svg>\n";
}

}  // namespace cajal
