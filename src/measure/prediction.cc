#include "measure/prediction.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "base/parallel.h"

namespace cajal {
namespace {

template <typename T>
double log_of_sum(std::span<const T> logits) {
  double largest = -std::numeric_limits<double>::infinity();
  for (const T x : logits) {
    largest = std::max(largest, static_cast<double>(x));
  }
  double sum = 0.0;
  for (const T x : logits) {
    sum += std::exp(static_cast<double>(x) - largest);
  }
  return largest + std::log(sum);
}

template <typename T>
PredictionChange change_of(std::span<const T> original, std::span<const T> changed,
                           std::int32_t target) {
  const double all = log_of_sum(original);
  const double all_changed = log_of_sum(changed);
  PredictionChange out;
  for (std::size_t i = 0; i < original.size(); ++i) {
    const double p = static_cast<double>(original[i]) - all;
    out.kl += std::exp(p) * (p - (static_cast<double>(changed[i]) - all_changed));
  }
  if (target >= 0) {
    out.cross_entropy =
        all_changed - static_cast<double>(changed[static_cast<std::size_t>(target)]);
  }
  return out;
}

template <typename T>
std::vector<PredictionChange> changes_of(MatrixView<const T> original, MatrixView<const T> changed,
                                         std::span<const std::int32_t> targets) {
  std::vector<PredictionChange> out(original.rows);
  parallel_for(original.rows, 8, [&](std::size_t begin, std::size_t end) {
    for (std::size_t r = begin; r < end; ++r) {
      out[r] = change_of(original.row(r), changed.row(r), targets[r]);
    }
  });
  return out;
}

}  // namespace

std::vector<PredictionChange> prediction_changes(ConstMatRef original, ConstMatRef changed,
                                                 std::span<const std::int32_t> targets) {
  check(original.rows == changed.rows && original.cols == changed.cols &&
            targets.size() == original.rows,
        "logits of {} x {} beside {} x {} and {} targets", changed.rows, changed.cols,
        original.rows, original.cols, targets.size());
  if (original.dtype == DType::F64) {
    return changes_of(original.as<const double>(), changed.as<const double>(), targets);
  }
  return changes_of(original.as<const float>(), changed.as<const float>(), targets);
}

void PredictionMeans::add(std::span<const PredictionChange> changes,
                          std::span<const std::int32_t> targets,
                          std::span<const std::uint8_t> counted) {
  for (std::size_t r = 0; r < changes.size(); ++r) {
    if (!counted.empty() && counted[r] == 0) {
      continue;
    }
    kl_ += changes[r].kl;
    ++rows_;
    if (targets[r] >= 0) {
      ce_ += changes[r].cross_entropy;
      ++predictions_;
    }
  }
}

std::optional<double> ce_recovered(double original, double changed, double ablated) {
  return ablated == original ? std::nullopt
                             : std::optional((ablated - changed) / (ablated - original));
}

std::optional<double> kl_score(double changed, double ablated) {
  return ablated == 0.0 ? std::nullopt : std::optional((ablated - changed) / ablated);
}

}  // namespace cajal
