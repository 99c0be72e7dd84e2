#include "explain/cluster.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <numeric>
#include <utility>

#include "base/error.h"

namespace cajal {
namespace {

constexpr std::size_t kNone = SIZE_MAX;

class Linkage {
 public:
  Linkage(ConstMatRef likeness, std::span<const double> weights)
      : likeness_(Matrix::host(likeness.rows, likeness.cols, DType::F32)),
        weights_(weights.begin(), weights.end()),
        nearest_(weights.size(), kNone) {
    convert(likeness, likeness_.ref());
    for (std::uint32_t i = 0; i < weights_.size(); ++i) {
      members_.push_back({i});
    }
    for (std::size_t i = 0; i < weights_.size(); ++i) {
      find_nearest(i);
    }
  }

  /// The weight that the `most` heaviest groups hold.
  double held(std::size_t most) const {
    std::vector<double> sorted = weights_;
    const std::size_t count = std::min(most, sorted.size());
    const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(count);
    std::partial_sort(sorted.begin(), middle, sorted.end(), std::greater<>());
    return std::accumulate(sorted.begin(), middle, 0.0);
  }

  /// The lower one of the two groups that are most alike; kNone: there is one group only.
  std::size_t closest() const {
    std::size_t best = kNone;
    for (std::size_t i = 0; i < nearest_.size(); ++i) {
      if (nearest_[i] != kNone && (best == kNone || likeness_of(i) > likeness_of(best))) {
        best = i;
      }
    }
    return best;
  }
  double likeness_of(std::size_t i) const { return static_cast<double>(at(i, nearest_[i])); }

  /// Joins group i and its nearest.
  void join(std::size_t i) {
    const std::size_t j = nearest_[i];
    const auto a = static_cast<float>(members_[i].size());
    const auto b = static_cast<float>(members_[j].size());
    for (std::size_t k = 0; k < members_.size(); ++k) {
      if (k != i && k != j && !members_[k].empty()) {
        const float mean = (a * at(i, k) + b * at(j, k)) / (a + b);
        likeness_.as<float>().at(i, k) = mean;
        likeness_.as<float>().at(k, i) = mean;
      }
    }
    members_[i].insert(members_[i].end(), members_[j].begin(), members_[j].end());
    members_[j].clear();
    weights_[i] += std::exchange(weights_[j], 0.0);
    nearest_[j] = kNone;
    for (std::size_t k = 0; k < members_.size(); ++k) {
      if (!members_[k].empty() && (k == i || nearest_[k] == i || nearest_[k] == j)) {
        find_nearest(k);
      } else if (!members_[k].empty() && k < i && nearest_[k] != kNone &&
                 at(k, i) > at(k, nearest_[k])) {
        nearest_[k] = i;
      }
    }
  }

  /// The fewest that hold so much, at most `most`.
  std::vector<std::vector<std::uint32_t>> heaviest(std::size_t most, double enough) {
    std::vector<std::size_t> order(members_.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::erase_if(order, [&](std::size_t i) { return members_[i].empty(); });
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return weights_[a] > weights_[b]; });
    order.resize(std::min(most, order.size()));
    std::vector<std::vector<std::uint32_t>> out;
    double held = 0.0;
    for (const std::size_t i : order) {
      if (held >= enough) {
        break;
      }
      held += weights_[i];
      std::sort(members_[i].begin(), members_[i].end());
      out.push_back(std::move(members_[i]));
    }
    return out;
  }

 private:
  float at(std::size_t i, std::size_t j) const { return likeness_.as<const float>().at(i, j); }

  /// Among later groups: each pair is looked at from its lower one.
  void find_nearest(std::size_t i) {
    nearest_[i] = kNone;
    for (std::size_t j = i + 1; j < members_.size(); ++j) {
      if (!members_[j].empty() && (nearest_[i] == kNone || at(i, j) > at(i, nearest_[i]))) {
        nearest_[i] = j;
      }
    }
  }

  Matrix likeness_;
  std::vector<double> weights_;
  std::vector<std::vector<std::uint32_t>> members_;  // empty: joined to a lower one
  std::vector<std::size_t> nearest_;
};

}  // namespace

std::vector<std::vector<std::uint32_t>> cluster(ConstMatRef likeness,
                                                std::span<const double> weights,
                                                const ClusterOptions& options) {
  check(likeness.rows == weights.size() && likeness.cols == weights.size(),
        "likeness is [{}, {}] for {} weights", likeness.rows, likeness.cols, weights.size());
  const double all = std::accumulate(weights.begin(), weights.end(), 0.0);
  const double wanted = options.hold * all;
  Linkage linkage(likeness, weights);
  for (std::size_t i = linkage.closest(); i != kNone; i = linkage.closest()) {
    if (linkage.likeness_of(i) < options.alike && linkage.held(options.most) >= wanted) {
      break;
    }
    linkage.join(i);
  }
  return linkage.heaviest(options.most, options.enough * all);
}

}  // namespace cajal
