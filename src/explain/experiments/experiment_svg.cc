// An experiment as a picture: a bar with its 95 % interval for each observation.
#include <fmt/format.h>

#include "base/markup.h"
#include "explain/experiments/experiment.h"

namespace cajal {
namespace {

constexpr int kWidth = 900;
constexpr int kLabels = 470;
constexpr int kBar = 330;
constexpr int kHeight = 26;
constexpr int kTop = 46;

double x_of(double share) {
  return kLabels + kBar * share;
}

std::string row(const Observation& observation, int y) {
  const Interval interval = wilson_95(observation.rate);
  const double share = observation.rate.share();
  const bool control = observation.condition == "control" || observation.condition == "unchanged";
  return fmt::format(
      "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{} <tspan fill=\"#666\">{}</tspan></text>\n"
      "<rect x=\"{}\" y=\"{}\" width=\"{:.1f}\" height=\"16\" fill=\"{}\"/>\n"
      "<line x1=\"{:.1f}\" y1=\"{}\" x2=\"{:.1f}\" y2=\"{}\" stroke=\"black\"/>\n"
      "<text x=\"{}\" y=\"{}\">{:.0f} %</text>\n",
      kLabels - 8, y + 13, escaped(observation.what), escaped(observation.condition), kLabels, y,
      kBar * share, control ? "#b8b8b8" : "#2f6db5", x_of(interval.low), y + 8, x_of(interval.high),
      y + 8, kLabels + kBar + 10, y + 13, 100.0 * share);
}

}  // namespace

std::string to_svg(const ExperimentResult& result) {
  std::string body;
  int y = kTop;
  for (const Observation& observation : result.observations) {
    body += row(observation, y);
    y += kHeight;
  }
  return fmt::format(
             "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" role=\"img\" "
             "font-family=\"sans-serif\" font-size=\"12\">\n<title>{}</title>\n"
             "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
             "<text x=\"20\" y=\"24\" font-size=\"14\">{}: {}</text>\n",
             kWidth, y + 16, escaped(result.question), escaped(result.name),
             escaped(result.setting)) +
         body + "</svg>\n";
}

}  // namespace cajal
