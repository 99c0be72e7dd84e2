// Loss and gradient of a batch of documents.
//
// The batch is cut into shards that fit the caches. Each goes forward and back on one thread;
// shards are dealt to a fixed number of lanes, each with gradients of its own that are summed in
// the order of the lanes. So the bits depend on the options, and never on the number of threads.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "model/backward/backward.h"

namespace cajal {

struct BatchGradientOptions {
  Precision precision = Precision::F32;
  std::size_t shard_rows = 768;  // about; a document is never cut
  std::size_t lanes = 4;         // how many threads can help; each takes memory for all gradients
};

struct BatchLoss {
  double loss = 0.0;            // weight * the sum of -log p(target)
  std::size_t predictions = 0;  // rows that counted
};

/// Keeps its memory from batch to batch. Not for use by two threads at once.
class BatchGradient {
 public:
  /// `make_backend` is called once for each lane. Throws InvalidArgument for no lanes or no rows.
  BatchGradient(const std::function<std::unique_ptr<Backend>()>& make_backend,
                const ModelConfig& config, std::span<const ParameterSpec> specs,
                const BatchGradientOptions& options);
  ~BatchGradient();

  /// Adds d loss / d parameter to `gradient`, whose specs are those of the model's parameters.
  /// targets[r]: the token that row r of the batch must predict, -1: it does not count.
  /// Precision::BF16 needs a backend that has it. Throws as Model::forward does.
  BatchLoss run(const Model& model, const Batch& batch, std::span<const std::int32_t> targets,
                double weight, Parameters& gradient);
  /// The loss alone.
  BatchLoss run(const Model& model, const Batch& batch, std::span<const std::int32_t> targets,
                double weight);

 private:
  struct Lane;
  struct Task;
  BatchLoss run_lanes(const Task& task);
  void run_lane(std::size_t lane, const Task& task);
  /// Throws what a lane has met, if any.
  void rethrow();
  void add_lanes(Parameters& gradient);

  BatchGradientOptions options_;
  std::vector<std::unique_ptr<Lane>> lanes_;
};

}  // namespace cajal
