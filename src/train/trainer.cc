#include "train/trainer.h"

#include <cmath>
#include <cstring>
#include <utility>

namespace cajal {
namespace {

Parameters fresh(const MakeBackend& make, const ModelConfig& config, std::uint64_t seed) {
  Parameters out(fresh_parameters(config), make()->activation_dtype());
  initialize(out, config, seed);
  return out;
}

std::shared_ptr<Parameters> rounded_copy(const Parameters& values, Precision precision) {
  return precision == Precision::BF16 ? std::make_shared<Parameters>(values.specs(), DType::BF16)
                                      : nullptr;
}

void set_zero(Parameters& parameters) {
  const MatRef all = parameters.all();
  std::memset(all.data, 0, all.rows * all.cols * size_of(all.dtype));
}

}  // namespace

Trainer::Trainer(const MakeBackend& make, const ModelConfig& config, std::uint64_t seed,
                 TrainerOptions options)
    : Trainer(make, config, fresh(make, config, seed), options) {}

Trainer::Trainer(const MakeBackend& make, const ModelConfig& config, Parameters initial,
                 TrainerOptions options)
    : backend_(make()),
      options_(options),
      values_(std::make_shared<Parameters>(std::move(initial))),
      rounded_(rounded_copy(*values_, options.passes.precision)),
      first_(values_->specs(), values_->dtype()),
      second_(values_->specs(), values_->dtype()),
      gradients_(values_->specs(), values_->dtype()),
      model_(model_of(config, values_, rounded_)),
      passes_(make, config, values_->specs(), options.passes) {
  round();
}

void Trainer::round() {
  if (rounded_) {
    ops::round_to_bf16(*backend_, std::as_const(*values_).all(), rounded_->all());
  }
}

void Trainer::restored(std::size_t steps) {
  steps_ = steps;
  round();
}

StepResult Trainer::step(std::span<const PackedBatch> batches) {
  StepResult result{.step = steps_ + 1};
  for (const PackedBatch& batch : batches) {
    result.predictions += batch.predictions;
  }
  check(result.predictions != 0, "step {}: the batch predicts nothing", result.step);
  set_zero(gradients_);
  for (const PackedBatch& batch : batches) {
    result.loss += passes_
                       .run(*model_, {batch.tokens, batch.starts, batch.seen_until}, batch.targets,
                            1.0 / static_cast<double>(result.predictions), gradients_)
                       .loss;
  }
  result.learning_rate = learning_rate(options_.schedule, result.step);
  result.gradient_norm = gradient_norm(*backend_, gradients_);
  result.finite = std::isfinite(result.loss) && std::isfinite(result.gradient_norm);
  if (result.finite) {
    adamw_step(*backend_, {values_.get(), &first_, &second_, rounded_.get()}, gradients_,
               result.gradient_norm, result.learning_rate, result.step, options_.adamw);
    steps_ = result.step;
  }
  return result;
}

double Trainer::nll(const PackedBatch& batch) {
  return passes_.run(*model_, {batch.tokens, batch.starts}, batch.targets, 1.0).loss;
}

}  // namespace cajal
