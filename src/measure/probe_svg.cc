// Probes as a picture: layers from left to right, a row for each hidden thing and place.
#include <algorithm>

#include <fmt/format.h>

#include "base/markup.h"
#include "measure/probe.h"

namespace cajal {
namespace {

constexpr int kCell = 46;
constexpr int kHeight = 24;
constexpr int kLabels = 330;
constexpr int kTop = 70;

/// White where it is guessed, dark blue where all is right.
std::string colour(double accuracy, double chance) {
  const double share = std::clamp((accuracy - chance) / (1.0 - chance), 0.0, 1.0);
  const auto mix = [&](int dark) { return static_cast<int>(255.0 + (dark - 255.0) * share); };
  return fmt::format("#{:02x}{:02x}{:02x}", mix(8), mix(48), mix(107));
}

std::string text_at(int x, int y, std::string_view style, std::string_view text) {
  return fmt::format("<text x=\"{}\" y=\"{}\" {}>{}</text>\n", x, y, style, escaped(text));
}

std::string column_name(std::string_view point) {
  return point == "embeddings" ? "emb." : std::string(point.substr(point.rfind('.') + 1));
}

std::string row(const ProbeCurve& curve, int y) {
  const std::string verdict = !curve.passed ? "" : *curve.passed ? " (reached)" : " (missed)";
  std::string out =
      text_at(kLabels - 8, y + 16, "text-anchor=\"end\"",
              fmt::format("{}: {} at the {} token{}", curve.task, curve.hidden,
                          curve.place == ProbePlace::End ? "end of its" : "last", verdict));
  for (std::size_t p = 0; p < curve.points.size(); ++p) {
    const double accuracy = curve.points[p].accuracy;
    const int x = kLabels + static_cast<int>(p) * kCell;
    out += fmt::format("<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"{}\"/>\n", x, y,
                       kCell - 1, kHeight - 1, colour(accuracy, curve.chance()));
    const bool dark = accuracy - curve.chance() > 0.5 * (1.0 - curve.chance());
    out += text_at(x + kCell / 2, y + 16,
                   fmt::format(R"(text-anchor="middle" fill="{}")", dark ? "white" : "black"),
                   fmt::format("{:.0f}", 100.0 * accuracy));
  }
  return out;
}

}  // namespace

std::string to_svg(std::span<const ProbeCurve> curves, std::string_view title) {
  std::size_t columns = 0;
  std::string body;
  int y = kTop;
  for (const ProbeCurve& curve : curves) {
    if (columns == 0) {
      for (; columns < curve.points.size(); ++columns) {
        body += text_at(kLabels + static_cast<int>(columns) * kCell + kCell / 2, kTop - 8,
                        "text-anchor=\"middle\"", column_name(curve.points[columns].point));
      }
    }
    body += row(curve, y);
    y += kHeight;
  }
  const int width = kLabels + static_cast<int>(columns) * kCell + 20;
  return fmt::format(
             "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" "
             "font-family=\"sans-serif\" font-size=\"12\">\n"
             "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n",
             width, y + 20) +
         text_at(20, 24, "font-size=\"14\"",
                 fmt::format("{}: what a linear probe reads, percent right by layer", title)) +
         text_at(20, kTop - 8, "", "resid_post of layer") + body + "</svg>\n";
}

}  // namespace cajal
