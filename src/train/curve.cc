// The loss as a picture: training thin, its running mean and the held-out loss thick.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "train/history.h"

namespace cajal {
namespace {

constexpr double kWidth = 800.0;
constexpr double kHeight = 400.0;
constexpr double kLeft = 60.0;
constexpr double kRight = 20.0;
constexpr double kTop = 40.0;
constexpr double kBottom = 45.0;
constexpr std::size_t kMostPoints = 2000;

struct CurvePoint {
  double step = 0.0;
  double loss = 0.0;
};
using Line = std::vector<CurvePoint>;

struct Frame {
  double last_step = 1.0;
  double lowest = 0.0;
  double highest = 1.0;

  double x(double step) const { return kLeft + step / last_step * (kWidth - kLeft - kRight); }
  double y(double loss) const {
    const double share = (loss - lowest) / (highest - lowest);
    return kHeight - kBottom - share * (kHeight - kTop - kBottom);
  }
};

/// Means of neighbours, so that a long training stays a small file.
Line thinned(const Line& line) {
  const std::size_t group = (line.size() + kMostPoints - 1) / kMostPoints;
  Line out;
  for (std::size_t i = 0; i < line.size(); i += std::max<std::size_t>(group, 1)) {
    const std::size_t end = std::min(line.size(), i + group);
    double sum = 0.0;
    for (std::size_t j = i; j < end; ++j) {
      sum += line[j].loss;
    }
    out.push_back({line[end - 1].step, sum / static_cast<double>(end - i)});
  }
  return out;
}

Line training_line(const History& history) {
  Line out;
  for (const HistoryRow& row : history) {
    out.push_back({static_cast<double>(row.step), row.loss});
  }
  return out;
}

Line heldout_line(const History& history) {
  Line out;
  for (const HistoryRow& row : history) {
    if (!std::isnan(row.heldout)) {
      out.push_back({static_cast<double>(row.step), row.heldout});
    }
  }
  return out;
}

Line running_mean(const Line& line) {
  const double keep = 1.0 - 1.0 / std::max(1.0, static_cast<double>(line.size()) / 50.0);
  Line out;
  double mean = 0.0;
  double weight = 0.0;
  for (const CurvePoint& point : line) {
    mean = keep * mean + (1.0 - keep) * point.loss;
    weight = keep * weight + (1.0 - keep);
    out.push_back({point.step, weight > 0.0 ? mean / weight : point.loss});
  }
  return out;
}

Frame frame_of(const Line& training, const Line& heldout) {
  Frame frame;
  bool first = true;
  for (const Line* line : {&training, &heldout}) {
    for (const CurvePoint& point : *line) {
      frame.last_step = std::max(frame.last_step, point.step);
      frame.lowest = first ? point.loss : std::min(frame.lowest, point.loss);
      frame.highest = first ? point.loss : std::max(frame.highest, point.loss);
      first = false;
    }
  }
  frame.lowest = std::floor(frame.lowest * 2.0) / 2.0;
  frame.highest = std::max(std::ceil(frame.highest * 2.0) / 2.0, frame.lowest + 0.5);
  return frame;
}

std::string polyline(const Frame& frame, const Line& line, std::string_view style) {
  std::string points;
  for (const CurvePoint& point : line) {
    points += fmt::format("{:.1f},{:.1f} ", frame.x(point.step), frame.y(point.loss));
  }
  return fmt::format("<polyline fill=\"none\" {} points=\"{}\"/>\n", style, points);
}

std::string axes(const Frame& frame) {
  constexpr int kLines = 5;
  std::string out;
  for (int i = 0; i <= kLines; ++i) {
    const double share = static_cast<double>(i) / kLines;
    const double loss = frame.lowest + share * (frame.highest - frame.lowest);
    const double step = share * frame.last_step;
    out += fmt::format(
        "<line x1=\"{}\" x2=\"{}\" y1=\"{:.1f}\" y2=\"{:.1f}\" stroke=\"#ddd\"/>"
        "<text x=\"{}\" y=\"{:.1f}\" text-anchor=\"end\">{:.2f}</text>"
        "<text x=\"{:.1f}\" y=\"{}\" text-anchor=\"middle\">{:.0f}</text>\n",
        kLeft, kWidth - kRight, frame.y(loss), frame.y(loss), kLeft - 8, frame.y(loss) + 4, loss,
        frame.x(step), kHeight - kBottom + 18, step);
  }
  return out + fmt::format("<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">step</text>\n",
                           (kLeft + kWidth - kRight) / 2, kHeight - 8);
}

}  // namespace

std::string to_svg(const History& history) {
  const Line training = thinned(training_line(history));
  const Line heldout = heldout_line(history);
  const Frame frame = frame_of(training, heldout);
  return fmt::format(
             "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" "
             "font-family=\"sans-serif\" font-size=\"12\">\n"
             "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
             "<text x=\"{}\" y=\"22\" font-size=\"14\">Loss in training (blue) and on held-out "
             "text (red)</text>\n",
             kWidth, kHeight, kLeft) +
         axes(frame) + polyline(frame, training, "stroke=\"#9bc2e6\" stroke-width=\"1\"") +
         polyline(frame, running_mean(training), "stroke=\"#1f6fb5\" stroke-width=\"2\"") +
         polyline(frame, heldout, "stroke=\"#c0392b\" stroke-width=\"2\"") + "</svg>\n";
}

}  // namespace cajal
