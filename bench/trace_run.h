// One traced prompt, with what it cost: GPT-2 small's shape with TopK transcoders of 24,576
// features a layer, k 32, random weights. The clock runs from mapped files to the graph in memory.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "figure.h"
#include "ops/dense.h"
#include "trace/trace.h"

namespace cajal::bench {

/// Made once and kept, so that other programs can trace the same files.
class TraceFiles {
 public:
  explicit TraceFiles(const Options& options);
  std::filesystem::path model() const;
  /// The same with room for longer prompts.
  std::filesystem::path long_model() const;
  std::filesystem::path transcoders() const;

 private:
  std::filesystem::path made(
      const std::string& name,
      const std::function<void(const std::filesystem::path& to)>& write) const;

  std::filesystem::path folder_;
};

struct TraceCase {
  std::filesystem::path model;
  std::filesystem::path transcoders;
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
  /// As many rows as were wanted, and all add up.
  bool right(std::size_t rows) const;
};

/// `rounds`: of measuring oneDNN's rate.
TraceRun run_once(const TraceCase& of, int rounds);
/// The fastest run, but the least memory and the best rate of products of all.
TraceRun best_run(const TraceCase& of, int rounds);

/// What rows take that no influence chose.
struct SpreadRun {
  double processor_s = 0.0;       // of all: model, forward pass, encoding, rows
  double largest_residual = 0.0;  // of the rows
  bool right() const;
};
/// Rows of `of.rows` features at even distances among all that fire, so that a row is as much work
/// on average however many there are: those of greatest influence are of the last token or of
/// early ones, which are the most and the least.
SpreadRun run_spread(const TraceCase& of);

}  // namespace cajal::bench
