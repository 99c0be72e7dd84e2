#include "model/backward/batch_gradient.h"

#include <algorithm>
#include <cstring>
#include <exception>

#include "base/error.h"
#include "base/parallel.h"
#include "model/backward/shards.h"

namespace cajal {
namespace {

std::vector<ParameterSpec> copy_of(std::span<const ParameterSpec> specs) {
  return {specs.begin(), specs.end()};
}

/// to += from; from = 0.
template <typename T>
void move_sums(MatrixView<T> from, MatrixView<T> to, std::size_t begin, std::size_t end) {
  for (std::size_t i = begin; i < end; ++i) {
    to.data[i] += from.data[i];
    from.data[i] = 0;
  }
}

void check_batch(const Model& model, const Batch& batch, std::span<const std::int32_t> targets) {
  check(targets.size() == batch.tokens.size(), "{} targets for {} tokens", targets.size(),
        batch.tokens.size());
  check(batch.seen_until.empty() || batch.seen_until.size() == batch.tokens.size(),
        "{} of {} tokens say until where they are seen", batch.seen_until.size(),
        batch.tokens.size());
  check_sequences(model.config(), batch);
}

}  // namespace

/// One batch under way.
struct BatchGradient::Task {
  const Model& model;
  const Batch& batch;
  std::span<const std::int32_t> targets;
  double weight;
  bool learns;
  Shards shards;
};

/// What works on its shards alone.
struct BatchGradient::Lane {
  Lane(std::unique_ptr<Backend> own, const ModelConfig& config,
       std::span<const ParameterSpec> specs)
      : backend(std::move(own)),
        tape(*backend),
        arena(*backend),
        sums(copy_of(specs), backend->activation_dtype()),
        places(config, sums) {}

  void run_shard(const Task& task, const std::vector<std::size_t>& sequences, Precision precision);

  std::unique_ptr<Backend> backend;
  Tape tape;
  Arena arena;  // of the gradient at the logits
  ShardBatch shard;
  Parameters sums;
  Gradients places;
  double loss = 0.0;
  std::exception_ptr error;
};

BatchGradient::BatchGradient(const std::function<std::unique_ptr<Backend>()>& make_backend,
                             const ModelConfig& config, std::span<const ParameterSpec> specs,
                             const BatchGradientOptions& options)
    : options_(options) {
  check(options.lanes >= 1 && options.shard_rows >= 1,
        "a batch needs at least one lane and one row a shard, not {} and {}", options.lanes,
        options.shard_rows);
  for (std::size_t i = 0; i < options.lanes; ++i) {
    lanes_.push_back(std::make_unique<Lane>(make_backend(), config, specs));
  }
}

BatchGradient::~BatchGradient() = default;

void BatchGradient::Lane::run_shard(const Task& task, const std::vector<std::size_t>& sequences,
                                    Precision precision) {
  const ModelConfig& config = task.model.config();
  shard.fill(task.batch, task.targets, sequences, task.shards.rows, config.context);
  task.model.forward(*backend, {shard.tokens, shard.starts, shard.seen_until}, tape,
                     {.precision = precision, .logits = LogitRows::All});
  arena.clear();
  const bool rounded = precision == Precision::BF16 && backend->activation_dtype() == DType::F32;
  MatRef dlogits;
  if (task.learns) {
    dlogits =
        arena.make(tape.rows(), config.vocab, rounded ? DType::BF16 : backend->activation_dtype());
  }
  loss += ops::cross_entropy(*backend, {.logits = tape.logits(),
                                        .targets = shard.targets,
                                        .weight = task.weight,
                                        .dlogits = dlogits});
  if (task.learns) {
    backward(*backend, task.model, tape,
             {.precision = precision, .dlogits = dlogits, .gradients = &places});
  }
}

void BatchGradient::run_lane(std::size_t lane, const Task& task) {
  Lane& own = *lanes_[lane];
  own.loss = 0.0;
  own.error = nullptr;
  try {
    for (std::size_t i = lane; i < task.shards.sequences.size(); i += lanes_.size()) {
      if (!task.shards.sequences[i].empty()) {
        own.run_shard(task, task.shards.sequences[i], options_.precision);
      }
    }
  } catch (const std::exception&) {  // rethrown by the thread that asked
    own.error = std::current_exception();
  }
}

void BatchGradient::rethrow() {
  for (const auto& failed : lanes_) {
    if (failed->error) {
      for (const auto& lane : lanes_) {  // what they have must not be part of the next batch
        const MatRef all = lane->sums.all();
        std::memset(all.data, 0, all.cols * size_of(all.dtype));
      }
      std::rethrow_exception(failed->error);
    }
  }
}

void BatchGradient::add_lanes(Parameters& gradient) {
  constexpr std::size_t kGrain = std::size_t{1} << 15U;
  const MatRef to = gradient.all();
  parallel_for(to.cols, kGrain, [&](std::size_t begin, std::size_t end) {
    for (const auto& lane : lanes_) {
      const MatRef from = lane->sums.all();
      if (to.dtype == DType::F64) {
        move_sums(from.as<double>(), to.as<double>(), begin, end);
      } else {
        move_sums(from.as<float>(), to.as<float>(), begin, end);
      }
    }
  });
}

BatchLoss BatchGradient::run_lanes(const Task& task) {
  parallel_for(lanes_.size(), 1, [&](std::size_t begin, std::size_t end) {
    for (std::size_t lane = begin; lane < end; ++lane) {
      run_lane(lane, task);
    }
  });
  rethrow();
  BatchLoss out;
  for (const auto& lane : lanes_) {
    out.loss += lane->loss;
  }
  out.predictions = static_cast<std::size_t>(std::count_if(task.targets.begin(), task.targets.end(),
                                                           [](std::int32_t t) { return t >= 0; }));
  return out;
}

BatchLoss BatchGradient::run(const Model& model, const Batch& batch,
                             std::span<const std::int32_t> targets, double weight,
                             Parameters& gradient) {
  check(gradient.all().cols == lanes_.front()->sums.all().cols &&
            gradient.dtype() == lanes_.front()->sums.dtype(),
        "the gradient is not laid out as the model's parameters are");
  check_batch(model, batch, targets);
  const BatchLoss out = run_lanes({model, batch, targets, weight, true,
                                   make_shards(batch, options_.shard_rows, lanes_.size())});
  add_lanes(gradient);
  return out;
}

BatchLoss BatchGradient::run(const Model& model, const Batch& batch,
                             std::span<const std::int32_t> targets, double weight) {
  check_batch(model, batch, targets);
  return run_lanes({model, batch, targets, weight, false,
                    make_shards(batch, options_.shard_rows, lanes_.size())});
}

}  // namespace cajal
