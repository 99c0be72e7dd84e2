// Tracing: GPT-2 small's shape with TopK transcoders of 24,576 features a layer, k 32, random
// weights. The clock runs from mapped files to the graph in memory.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <iostream>
#include <limits>
#include <map>
#include <tuple>

#include <fmt/format.h>

#include "base/error.h"
#include "dictionary/load.h"
#include "figure.h"
#include "ops/cpu/limits.h"
#include "peak_memory.h"
#include "shapes.h"
#include "testing/random_model.h"
#include "timed_backend.h"
#include "trace/influence.h"
#include "trace/trace.h"

namespace cajal::bench {
namespace {

namespace fs = std::filesystem;

constexpr double kMostResidual = 1e-4;  // of rows, which have to add up
/// Of edges in bf16x3 to those in f32, over the largest: what golden graphs allow f32 is ten times
/// its own error or 1e-5.
constexpr double kMostDifference = 1e-4;

/// Made once and kept, so that other programs can trace the same files.
class TraceFiles {
 public:
  explicit TraceFiles(const Options& options)
      : folder_(options.cache.empty() ? fs::temp_directory_path() / "cajal-bench"
                                      : fs::path(options.cache)) {}

  fs::path model() const {
    return made("gpt2-small-f32", [](const fs::path& to) {
      testing::write_random_model(to, shapes().front().config);
    });
  }
  /// The same with room for longer prompts.
  fs::path long_model() const {
    return made("gpt2-small-4096", [](const fs::path& to) {
      std::string config = shapes().front().config;
      const std::string context = R"("n_positions": 1024)";
      config.replace(config.find(context), context.size(), R"("n_positions": 4096)");
      testing::write_random_model(to, config);
    });
  }
  fs::path transcoders() const {
    return made("transcoders", [](const fs::path& to) {
      testing::write_random_transcoders(to,
                                        {.layers = 12, .width = 768, .features = 24576, .k = 32});
    });
  }

 private:
  template <typename Write>
  fs::path made(const std::string& name, const Write& write) const {
    const fs::path path = folder_ / name;
    if (!fs::exists(path)) {
      std::cerr << "cajal-bench: writing " << path.string() << "\n";
      const fs::path partial = folder_ / (name + ".partial");
      fs::remove_all(partial);
      fs::create_directories(partial);
      write(partial);
      fs::rename(partial, path);
    }
    return path;
  }

  fs::path folder_;
};

std::vector<TokenId> prompt_of(std::size_t tokens) {
  std::vector<TokenId> out;
  for (std::size_t i = 0; i < tokens; ++i) {
    out.push_back(static_cast<TokenId>((1 + 7919 * i) % 50257));
  }
  return out;
}

struct TraceCase {
  fs::path model;
  fs::path transcoders;
  std::size_t tokens = 0;
  std::size_t rows = 0;  // of features
  Precision precision = Precision::F32;
};

struct TraceRun {
  AttributionGraph graph;
  double load_s = 0.0;
  double forward_s = 0.0;         // encoding included
  double rows_s = 0.0;            // and the choice of features
  double products_s = 0.0;        // of the rows
  double products_limit_s = 0.0;  // at oneDNN's rate
  double processor_s = 0.0;       // of all
  double anonymous = 0.0;         // bytes
  double total_s() const { return load_s + forward_s + rows_s; }
  bool right(std::size_t rows) const {
    return graph.selected.size() == rows && graph.largest_residual < kMostResidual;
  }
};

double flop_of(const TimedBackend::Shape& shape, const ProductCost& cost) {
  return 2.0 * static_cast<double>(shape[0] * shape[1] * shape[2] * cost.times);
}

/// Seconds that oneDNN would need for the products counted, at best. Shapes that take under a
/// hundredth of the arithmetic are taken to run as the others do.
double limit_of(const TimedBackend& backend, Precision precision, int rounds) {
  const bool split = precision == Precision::BF16x3;
  double all = 0.0;
  for (const auto& [shape, cost] : backend.costs()) {
    all += flop_of(shape, cost);
  }
  double seconds = 0.0;
  double measured = 0.0;
  for (const auto& [shape, cost] : backend.costs()) {
    if (const double own = flop_of(shape, cost); own >= 0.01 * all) {
      const double rate = onednn_gemm_rate(shape[0], shape[1], shape[2], split, rounds);
      seconds += (split ? 3.0 : 1.0) * own / rate;
      measured += own;
    }
  }
  return measured == 0.0 ? 0.0 : seconds * all / measured;
}

TraceRun run_once(const TraceCase& of, int rounds) {
  TraceRun out;
  const PeakMemory memory;
  const double processor = processor_seconds();
  TimedBackend backend;
  std::shared_ptr<const Model> model;
  std::shared_ptr<const Dictionary> dictionary;
  std::unique_ptr<LocalReplacement> replacement;
  std::vector<TraceTarget> targets;
  out.load_s = seconds_of([&] {
    model = Model::load(of.model);
    dictionary = load_dictionary(of.transcoders);
  });
  out.forward_s = seconds_of([&] {
    replacement =
        std::make_unique<LocalReplacement>(backend, model, dictionary, prompt_of(of.tokens),
                                           ReplacementOptions{.precision = of.precision});
    targets = salient_logits(*replacement, of.tokens - 1);
  });
  backend.reset();
  out.rows_s = seconds_of([&] {  // ranked as often as circuit-tracer does, so that scores compare
    out.graph = trace(backend, *replacement, targets, {.max_features = of.rows, .batch = 512});
  });
  out.processor_s = processor_seconds() - processor;
  out.anonymous = memory.peak();
  for (const auto& [shape, cost] : backend.costs()) {
    out.products_s += cost.seconds;
  }
  out.products_limit_s = limit_of(backend, of.precision, rounds);
  return out;
}

/// The fastest run, but the least memory and the best rate of products of all.
TraceRun best_run(const TraceCase& of, int rounds) {
  TraceRun best = run_once(of, rounds);
  for (int i = 1; i < rounds; ++i) {
    TraceRun run = run_once(of, rounds);
    const double anonymous = std::min(run.anonymous, best.anonymous);
    const double processor = std::min(run.processor_s, best.processor_s);
    const double products = std::min(run.products_s, best.products_s);
    const double limit = std::min(run.products_limit_s, best.products_limit_s);
    if (run.total_s() < best.total_s()) {
      best = std::move(run);
    }
    best.anonymous = anonymous;
    best.processor_s = processor;
    best.products_s = products;
    best.products_limit_s = limit;
  }
  return best;
}

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

bool wanted(std::string_view group, const Options& options) {
  return !options.filter.empty() && group.find(options.filter) != std::string_view::npos;
}

}  // namespace

std::vector<Figure> trace_figures(const Options& options) {
  const TraceFiles files(options);
  std::vector<Figure> out;
  for (const std::size_t tokens : {std::size_t{32}, std::size_t{64}}) {
    if (wanted("trace", options)) {
      const std::vector<Figure> figures = both_figures(files, tokens, options);
      out.insert(out.end(), figures.begin(), figures.end());
    }
  }
  for (const std::size_t tokens : {std::size_t{1024}, std::size_t{4096}}) {
    const std::string group = fmt::format("long-prompt-{}", tokens);
    for (const std::size_t rows : {std::size_t{500}, std::size_t{1000}}) {
      if (wanted(group, options)) {
        const TraceRun run =
            run_once({files.long_model(), files.transcoders(), tokens, rows, Precision::F32}, 1);
        add_figures(fmt::format("{}/{}-rows-", group, rows), run, "oneDNN f32, same shapes",
                    run.right(rows), out);
      }
    }
  }
  return out;
}

}  // namespace cajal::bench
