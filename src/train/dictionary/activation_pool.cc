#include "train/dictionary/activation_pool.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "base/random.h"
#include "model/kv_cache.h"

namespace cajal {
namespace {

constexpr std::uint64_t kOrderStream = 0x706F6F6CU;

}  // namespace

ActivationPool::ActivationPool(std::shared_ptr<const Model> model, Backend& backend,
                               PoolOptions options)
    : model_(std::move(model)), backend_(backend), options_(std::move(options)) {
  for (const auto* points : {&options_.inputs, &options_.outputs}) {
    for (const Point& point : *points) {
      const bool known =
          std::ranges::any_of(places_, [&](const Place& one) { return one.point == point; });
      if (!known) {
        places_.push_back({.point = point, .rows = {}, .batch = {}});
      }
    }
  }
}

ActivationPool::Place& ActivationPool::place(const Point& point) {
  return *std::ranges::find(places_, point, &Place::point);
}

ConstMatRef ActivationPool::kept(const Point& point) const {
  const auto found = std::ranges::find(places_, point, &Place::point);
  return found->rows.ref().row_range(0, filled_);
}

void ActivationPool::fill(Mixture& documents, double progress, std::uint64_t filling) {
  filled_ = 0;
  most_ = options_.rows;
  while (filled_ < most_) {
    take(pack(documents, progress,
              {.tokens = options_.pass, .longest = options_.longest, .pad = options_.pad}));
  }
  shuffle(filling);
}

void ActivationPool::fill(const TokenSource& documents, std::uint64_t& next, std::size_t rows) {
  const std::uint64_t end = documents.documents().value_or(next + rows);
  const std::size_t before = filled_;
  most_ = std::min(before + rows, options_.rows);
  while (filled_ < most_ && next < end) {
    take(pack(documents, next,
              {.tokens = options_.pass, .longest = options_.longest, .pad = options_.pad}));
  }
}

/// The rows of a pass that are data, as many as there is room for.
void ActivationPool::take(const PackedBatch& tokens) {
  std::vector<std::int32_t> wanted;
  for (std::size_t i = 0; i < tokens.tokens.size() && filled_ + wanted.size() < most_; ++i) {
    if (std::ranges::find(options_.left_out, tokens.tokens[i]) == options_.left_out.end()) {
      wanted.push_back(static_cast<std::int32_t>(i));
    }
  }
  PointSet readers;
  for (Place& one : places_) {
    readers.read(one.point, [&](ConstMatRef value, const PointContext&) {
      if (one.rows.empty()) {
        one.rows = make_matrix(backend_, options_.rows, value.cols);
        one.batch = make_matrix(backend_, options_.batch, value.cols);
      }
      ops::gather(backend_, value, wanted, 1.0, one.rows.ref().row_range(filled_, wanted.size()));
    });
  }
  KvCache cache(model_->config(), backend_, tokens.starts.size() - 1);
  model_->forward(backend_, {tokens.tokens, tokens.starts}, cache,
                  {.precision = options_.precision,
                   .logits = LogitRows::None,
                   .points = &readers,
                   .keep = false});
  filled_ += wanted.size();
}

/// Fisher and Yates, by draws of (seed, stream of the filling).
void ActivationPool::shuffle(std::uint64_t filling) {
  order_.resize(filled_);
  std::iota(order_.begin(), order_.end(), 0);
  for (std::size_t i = filled_; i-- > 1;) {
    const double u = random_uniform(options_.seed, kOrderStream + filling, i);
    std::swap(order_[i], order_[static_cast<std::size_t>(u * static_cast<double>(i + 1))]);
  }
}

double ActivationPool::mean_norm(Backend& backend, ConstMatRef rows) {
  const std::vector<double> norms = row_norms(backend, rows);
  const double sum = std::accumulate(norms.begin(), norms.end(), 0.0);
  return sum > 0.0 ? sum / static_cast<double>(norms.size()) : 1.0;
}

void ActivationPool::scale(std::span<const double> input_scales,
                           std::span<const double> output_scales) {
  const auto by = [&](const Point& point, double factor) {
    const MatRef rows = place(point).rows.ref().row_range(0, filled_);
    ops::scale(backend_, rows, factor, rows);
  };
  for (std::size_t layer = 0; layer < layers(); ++layer) {
    by(options_.inputs[layer], input_scales[layer]);
    if (options_.outputs[layer] != options_.inputs[layer]) {
      by(options_.outputs[layer], output_scales[layer]);
    }
  }
}

const ActivationPool::Rows& ActivationPool::batch(std::size_t i) {
  const std::span<const std::int32_t> rows =
      std::span(order_).subspan(i * options_.batch, options_.batch);
  for (Place& one : places_) {
    ops::gather(backend_, std::as_const(one.rows).ref(), rows, 1.0, one.batch.ref());
  }
  rows_ = {};
  for (std::size_t layer = 0; layer < layers(); ++layer) {
    rows_.x.push_back(std::as_const(place(options_.inputs[layer]).batch).ref());
    rows_.y.push_back(std::as_const(place(options_.outputs[layer]).batch).ref());
  }
  return rows_;
}

}  // namespace cajal
