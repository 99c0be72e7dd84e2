#include "trace_run.h"

#include <algorithm>
#include <iostream>

#include "dictionary/load.h"
#include "ops/cpu/limits.h"
#include "peak_memory.h"
#include "shapes.h"
#include "testing/random_model.h"
#include "timed_backend.h"

namespace cajal::bench {
namespace {

namespace fs = std::filesystem;

constexpr double kMostResidual = 1e-4;  // of rows, which have to add up
constexpr int kSamples = 64;            // shapes whose rate at oneDNN is measured, at most
constexpr int kLeastRounds = 3;         // of that: the first one only warms up

double flop_of(const TimedBackend::Shape& shape, const ProductCost& cost) {
  return 2.0 * static_cast<double>(shape[0] * shape[1] * shape[2] * cost.times);
}

/// Seconds that oneDNN would need for the products counted, at best. Long prompts have thousands of
/// shapes: measured are those at even distances along all arithmetic, each for its part of it.
double limit_of(const TimedBackend& backend, Precision precision, int rounds) {
  const bool split = precision == Precision::BF16x3;
  double all = 0.0;
  for (const auto& [shape, cost] : backend.costs()) {
    all += flop_of(shape, cost);
  }
  const double part = all / kSamples;
  double seconds = 0.0;
  double passed = 0.0;
  double next = 0.5 * part;
  for (const auto& [shape, cost] : backend.costs()) {
    passed += flop_of(shape, cost);
    double own = 0.0;
    for (; next < passed; next += part) {
      own += part;
    }
    if (own > 0.0) {
      const double rate =
          onednn_gemm_rate(shape[0], shape[1], shape[2], split, std::max(rounds, kLeastRounds));
      seconds += (split ? 3.0 : 1.0) * own / rate;
    }
  }
  return seconds;
}

}  // namespace

TraceFiles::TraceFiles(const Options& options)
    : folder_(options.cache.empty() ? fs::temp_directory_path() / "cajal-bench"
                                    : fs::path(options.cache)) {}

fs::path TraceFiles::model() const {
  return made("gpt2-small-f32",
              [](const fs::path& to) { testing::write_random_model(to, shapes().front().config); });
}

fs::path TraceFiles::long_model() const {
  return made("gpt2-small-4096", [](const fs::path& to) {
    std::string config = shapes().front().config;
    const std::string context = R"("n_positions": 1024)";
    config.replace(config.find(context), context.size(), R"("n_positions": 4096)");
    testing::write_random_model(to, config);
  });
}

fs::path TraceFiles::transcoders() const {
  return made("transcoders", [](const fs::path& to) {
    testing::write_random_transcoders(to, {.layers = 12, .width = 768, .features = 24576, .k = 32});
  });
}

fs::path TraceFiles::made(const std::string& name,
                          const std::function<void(const fs::path& to)>& write) const {
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

bool TraceRun::right(std::size_t rows) const {
  return graph.selected.size() == rows && graph.largest_residual < kMostResidual;
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
    replacement = std::make_unique<LocalReplacement>(backend, model, dictionary,
                                                     prompt_of(of.tokens, model->config().vocab),
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

bool SpreadRun::right() const {
  return largest_residual < kMostResidual;
}

SpreadRun run_spread(const TraceCase& of) {
  SpreadRun out;
  const double processor = processor_seconds();
  const auto backend = make_cpu_backend();
  const auto model = Model::load(of.model);
  LocalReplacement replacement(*backend, model, load_dictionary(of.transcoders),
                               prompt_of(of.tokens, model->config().vocab),
                               ReplacementOptions{.precision = of.precision});
  std::vector<RowTarget> targets;
  for (std::size_t i = 0; i < of.rows; ++i) {
    targets.push_back(replacement.feature_target(i * replacement.features().size() / of.rows));
  }
  Matrix rows = Matrix::host(of.rows, row_columns(replacement), DType::F32);
  compute_rows(*backend, replacement, targets, rows.ref());
  out.processor_s = processor_seconds() - processor;
  for (std::size_t i = 0; i < of.rows; ++i) {
    out.largest_residual = std::max(out.largest_residual, row_residual(targets[i], rows.ref(), i));
  }
  return out;
}

}  // namespace cajal::bench
