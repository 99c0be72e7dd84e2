// The loop's inner step: loss, gradients, AdamW.
//
// Masters and moments have the backend's activation type (f32; f64 on `ref`). With Precision::BF16
// matrices are multiplied as bf16 copies of the masters, sums stay f32, and norms and biases are
// the masters themselves.
#pragma once

#include <functional>
#include <memory>
#include <span>

#include "corpus/packing.h"
#include "model/backward/batch_gradient.h"
#include "model/model.h"
#include "model/parameters.h"
#include "ops/backend.h"
#include "train/adamw.h"
#include "train/schedule.h"

namespace cajal {

struct TrainerOptions {
  AdamWOptions adamw;
  Schedule schedule;
  BatchGradientOptions passes;  // precision, and how a batch is cut
};

using MakeBackend = std::function<std::unique_ptr<Backend>()>;

struct StepResult {
  std::size_t step = 0;  // counted from 1
  double learning_rate = 0.0;
  double loss = 0.0;           // mean over the step's predictions, before the update
  double gradient_norm = 0.0;  // before clipping
  std::size_t predictions = 0;
  bool finite = true;  // false: loss or norm is not, and nothing was changed
};

/// A model being trained. For one thread.
class Trainer {
 public:
  /// Fresh parameters from the seed.
  Trainer(const MakeBackend& make, const ModelConfig& config, std::uint64_t seed,
          TrainerOptions options);
  /// Given ones, of the backend's activation type.
  Trainer(const MakeBackend& make, const ModelConfig& config, Parameters initial,
          TrainerOptions options);

  /// One step on the mean over all predictions of the batches, whose gradients are summed in order.
  StepResult step(std::span<const PackedBatch> batches);
  /// Sum of -log p of the batch's predictions, without learning.
  double nll(const PackedBatch& batch);

  /// Its weights change with every step.
  const std::shared_ptr<const Model>& model() const noexcept { return model_; }
  Backend& backend() const noexcept { return *backend_; }
  std::size_t steps() const noexcept { return steps_; }
  const Parameters& values() const noexcept { return *values_; }
  const Parameters& first() const noexcept { return first_; }
  const Parameters& second() const noexcept { return second_; }
  const Parameters& gradients() const noexcept { return gradients_; }

  /// For a checkpoint to read into; restored() must follow.
  Parameters& values() noexcept { return *values_; }
  Parameters& first() noexcept { return first_; }
  Parameters& second() noexcept { return second_; }
  void restored(std::size_t steps);

 private:
  void round();

  std::unique_ptr<Backend> backend_;
  TrainerOptions options_;
  std::shared_ptr<Parameters> values_;
  std::shared_ptr<Parameters> rounded_;  // nullptr: computed with the masters
  Parameters first_;
  Parameters second_;
  Parameters gradients_;
  std::shared_ptr<const Model> model_;
  BatchGradient passes_;
  std::size_t steps_ = 0;
};

}  // namespace cajal
