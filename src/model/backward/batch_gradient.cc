#include "model/backward/batch_gradient.h"

#include <algorithm>
#include <cstring>
#include <exception>

#include "base/error.h"
#include "base/parallel.h"

namespace cajal {
namespace {

std::vector<ParameterSpec> copy_of(std::span<const ParameterSpec> specs) {
  return {specs.begin(), specs.end()};
}

/// Where shards begin, as indices of sequences, and where the last one ends: about equal numbers of
/// rows, and as many shards in each lane.
std::vector<std::size_t> cut(const Batch& batch, std::size_t shard_rows, std::size_t lanes) {
  const std::size_t rows = batch.tokens.size();
  const std::size_t least = (rows + shard_rows - 1) / shard_rows;
  const std::size_t shards = (least + lanes - 1) / lanes * lanes;
  std::vector<std::size_t> out = {0};
  std::size_t sequence = 0;
  for (std::size_t i = 1; i <= shards; ++i) {
    const std::size_t end = rows * i / shards;
    while (sequence + 1 < batch.starts.size() &&
           static_cast<std::size_t>(batch.starts[sequence + 1]) <= end) {
      ++sequence;
    }
    out.push_back(sequence);
  }
  return out;
}

/// to += from; from = 0.
template <typename T>
void move_sums(MatrixView<T> from, MatrixView<T> to, std::size_t begin, std::size_t end) {
  for (std::size_t i = begin; i < end; ++i) {
    to.data[i] += from.data[i];
    from.data[i] = 0;
  }
}

}  // namespace

/// One batch under way.
struct BatchGradient::Task {
  const Model& model;
  const Batch& batch;
  std::span<const std::int32_t> targets;
  double weight;
  std::vector<std::size_t> shards;  // [shards + 1]
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

  void run_shard(const Task& task, std::size_t begin, std::size_t end, Precision precision);

  std::unique_ptr<Backend> backend;
  Tape tape;
  Arena arena;  // of the gradient at the logits
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

/// Sequences begin .. end of the batch.
void BatchGradient::Lane::run_shard(const Task& task, std::size_t begin, std::size_t end,
                                    Precision precision) {
  const auto first = static_cast<std::size_t>(task.batch.starts[begin]);
  const std::size_t rows = static_cast<std::size_t>(task.batch.starts[end]) - first;
  if (rows == 0) {
    return;
  }
  std::vector<std::int32_t> starts;
  for (std::size_t i = begin; i <= end; ++i) {
    starts.push_back(task.batch.starts[i] - task.batch.starts[begin]);
  }
  task.model.forward(*backend, {task.batch.tokens.subspan(first, rows), starts}, tape,
                     {.precision = precision, .logits = LogitRows::All});
  arena.clear();
  const bool rounded = precision == Precision::BF16 && backend->activation_dtype() == DType::F32;
  const MatRef dlogits = arena.make(rows, task.model.config().vocab,
                                    rounded ? DType::BF16 : backend->activation_dtype());
  loss += ops::cross_entropy(*backend, {.logits = tape.logits(),
                                        .targets = task.targets.subspan(first, rows),
                                        .weight = task.weight,
                                        .dlogits = dlogits});
  backward(*backend, task.model, tape,
           {.precision = precision, .dlogits = dlogits, .gradients = &places});
}

void BatchGradient::run_lane(std::size_t lane, const Task& task) {
  Lane& own = *lanes_[lane];
  own.loss = 0.0;
  own.error = nullptr;
  try {
    for (std::size_t i = lane; i + 1 < task.shards.size(); i += lanes_.size()) {
      own.run_shard(task, task.shards[i], task.shards[i + 1], options_.precision);
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

BatchLoss BatchGradient::run(const Model& model, const Batch& batch,
                             std::span<const std::int32_t> targets, double weight,
                             Parameters& gradient) {
  check(!batch.starts.empty(), "the batch has no list of sequences");
  check(targets.size() == batch.tokens.size(), "{} targets for {} tokens", targets.size(),
        batch.tokens.size());
  check(gradient.all().cols == lanes_.front()->sums.all().cols &&
            gradient.dtype() == lanes_.front()->sums.dtype(),
        "the gradient is not laid out as the model's parameters are");
  const Task task = {model, batch, targets, weight, cut(batch, options_.shard_rows, lanes_.size())};
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
  add_lanes(gradient);
  out.predictions = static_cast<std::size_t>(
      std::count_if(targets.begin(), targets.end(), [](std::int32_t t) { return t >= 0; }));
  return out;
}

}  // namespace cajal
