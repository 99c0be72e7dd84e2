// Tracing: prompts in both precisions, long ones, and how time grows with rows.
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <span>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "figure.h"
#include "trace/influence.h"
#include "trace_run.h"

namespace cajal::bench {
namespace {

/// Of edges in bf16x3 to those in f32, over the largest: what golden graphs allow f32 is ten times
/// its own error or 1e-5.
constexpr double kMostDifference = 1e-4;

using FeatureKey = std::tuple<std::uint32_t, std::uint32_t, std::uint32_t>;

std::map<FeatureKey, std::size_t> places_of(const AttributionGraph& graph) {
  std::map<FeatureKey, std::size_t> out;
  for (std::size_t i = 0; i < graph.counts.features; ++i) {
    const ActiveFeature& f = graph.feature(i);
    out[{f.layer, f.position, f.feature}] = i;
  }
  return out;
}

/// The largest difference between edges of features that both graphs have, over the largest edge;
/// infinity if they share less than nine features in ten.
double largest_difference(const AttributionGraph& a, const AttributionGraph& b) {
  const auto in_b = places_of(b);
  std::vector<std::pair<std::size_t, std::size_t>> both;
  for (const auto& [key, place] : places_of(a)) {
    if (const auto at = in_b.find(key); at != in_b.end()) {
      both.emplace_back(place, at->second);
    }
  }
  const auto x = a.rows.as<float>();
  const auto y = b.rows.as<float>();
  double largest = 0.0;
  double difference = 0.0;
  for (const auto& [row_a, row_b] : both) {
    for (const auto& [column_a, column_b] : both) {
      const auto u = static_cast<double>(x.at(row_a, column_a));
      largest = std::max(largest, std::abs(u));
      difference = std::max(difference, std::abs(u - static_cast<double>(y.at(row_b, column_b))));
    }
  }
  const double enough = 0.9 * static_cast<double>(a.counts.features);
  return static_cast<double>(both.size()) < enough ? std::numeric_limits<double>::infinity()
                                                   : difference / largest;
}

void add_figures(const std::string& group, const TraceRun& run, const std::string& limit_is,
                 bool right, std::vector<Figure>& out) {
  const auto add = [&](const char* what, double value, const char* unit) {
    out.push_back({group + what, value, unit, 0.0, "", right});
  };
  add("s", run.total_s(), "s");
  add("load_s", run.load_s, "s");
  add("forward_and_encoding_s", run.forward_s, "s");
  add("rows_s", run.rows_s, "s");
  out.push_back(
      {group + "adjoint_products_s", run.products_s, "s", run.products_limit_s, limit_is, right});
  add("processor_s", run.processor_s, "s");
  add("anonymous_gb", run.anonymous / 1e9, "GB");
  add("residual_per_million", 1e6 * run.graph.largest_residual, "");
}

/// A prompt in both precisions.
std::vector<Figure> both_figures(const TraceFiles& files, std::size_t tokens,
                                 const Options& options) {
  TraceCase of = {files.model(), files.transcoders(), tokens, 2000, Precision::F32};
  const std::string group = fmt::format("trace/{}-tokens-", tokens);
  std::vector<Figure> out;
  const TraceRun exact = best_run(of, options.rounds);
  bool right = exact.right(of.rows);
  add_figures(group + "f32-", exact, "oneDNN f32, same shapes", right, out);
  const auto scores = graph_scores(exact.graph.graph(), exact.graph.weights());
  out.push_back(
      {group + "f32-replacement_score", scores.replacement.value_or(0.0), "", 0.0, "", right});
  of.precision = Precision::BF16x3;
  const TraceRun split = best_run(of, options.rounds);
  const double difference = largest_difference(exact.graph, split.graph);
  right = split.right(of.rows) && difference < kMostDifference;
  add_figures(group + "bf16x3-", split, "oneDNN bf16 three times, same shapes", right, out);
  out.push_back({group + "bf16x3-difference_per_million", 1e6 * difference, "", 0.0, "", right});
  return out;
}

/// A long prompt, with so many rows or with each of the usual numbers.
std::vector<Figure> long_prompt_figures(const TraceFiles& files, std::size_t tokens,
                                        const std::string& group, const Options& options) {
  std::vector<Figure> out;
  const std::vector<std::size_t> usual = {500, 1000};
  for (const std::size_t rows :
       options.rows == 0 ? usual : std::vector<std::size_t>{options.rows}) {
    const TraceRun run =
        run_once({files.long_model(), files.transcoders(), tokens, rows, Precision::F32}, 1);
    add_figures(fmt::format("{}/{}-rows-", group, rows), run, "oneDNN f32, same shapes",
                run.right(rows), out);
  }
  return out;
}

/// The straight line with the least squares.
struct Line {
  double start = 0.0;
  double slope = 0.0;
  double at(double x) const { return start + slope * x; }
};

Line line_through(std::span<const std::pair<double, double>> points) {
  const auto n = static_cast<double>(points.size());
  double x = 0.0;
  double y = 0.0;
  double xx = 0.0;
  double xy = 0.0;
  for (const auto& [a, b] : points) {
    x += a / n;
    y += b / n;
    xx += a * a / n;
    xy += a * b / n;
  }
  const double slope = (xy - x * y) / (xx - x * x);
  return {y - slope * x, slope};
}

/// Processor time of a prompt by rows, all of it, and the line through it: where it starts is what
/// the forward pass and the encoding take, its slope a row.
std::vector<Figure> linear_figures(const TraceFiles& files, const std::string& group) {
  constexpr std::size_t kTokens = 512;
  std::vector<Figure> out;
  std::vector<std::pair<double, double>> points;
  bool right = true;
  for (const std::size_t rows : {250U, 500U, 1000U, 2000U}) {
    const SpreadRun run =
        run_spread({files.long_model(), files.transcoders(), kTokens, rows, Precision::F32});
    right = right && run.right();
    points.emplace_back(rows, run.processor_s);
    out.push_back({fmt::format("{}/{}-rows-processor_s", group, rows), run.processor_s, "s", 0.0,
                   "", run.right()});
  }
  const Line line = line_through(points);
  double furthest = 0.0;
  for (const auto& [rows, seconds] : points) {
    furthest = std::max(furthest, std::abs(seconds - line.at(rows)) / line.at(rows));
  }
  out.push_back({group + "/line-start_s", line.start, "s", 0.0, "", right});
  out.push_back({group + "/line-ms_per_row", 1e3 * line.slope, "ms", 0.0, "", right});
  out.push_back({group + "/furthest_from_line_percent", 100.0 * furthest, "%", 0.0, "", right});
  return out;
}

bool wanted(std::string_view group, const Options& options) {
  return !options.filter.empty() && fits(group, options);
}

}  // namespace

std::vector<Figure> trace_figures(const Options& options) {
  const TraceFiles files(options);
  std::vector<Figure> out;
  const auto take = [&](const std::vector<Figure>& figures) {
    out.insert(out.end(), figures.begin(), figures.end());
  };
  for (const std::size_t tokens : {std::size_t{32}, std::size_t{64}}) {
    if (wanted("trace", options)) {
      take(both_figures(files, tokens, options));
    }
  }
  for (const std::size_t tokens : {std::size_t{1024}, std::size_t{4096}}) {
    const std::string group = fmt::format("long-prompt-{}", tokens);
    if (wanted(group, options)) {
      take(long_prompt_figures(files, tokens, group, options));
    }
  }
  if (const std::string group = "rows-are-linear"; wanted(group, options)) {
    take(linear_figures(files, group));
  }
  return out;
}

}  // namespace cajal::bench
