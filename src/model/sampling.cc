#include "model/sampling.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <unordered_set>

#include "base/error.h"
#include "base/random.h"

namespace cajal {
namespace {

std::vector<double> row_as_double(ConstMatRef logits) {
  std::vector<double> out(logits.cols);
  if (logits.dtype == DType::F64) {
    const auto row = logits.as<const double>().row(0);
    std::copy(row.begin(), row.end(), out.begin());
  } else {
    const auto row = logits.as<const float>().row(0);
    std::copy(row.begin(), row.end(), out.begin());
  }
  return out;
}

/// Keskar et al. 2019 (CTRL), section 4.1: tokens already there get less likely.
void penalize(std::vector<double>& logits, std::span<const TokenId> history, double penalty) {
  for (const TokenId id : std::unordered_set<TokenId>(history.begin(), history.end())) {
    if (id >= 0 && static_cast<std::size_t>(id) < logits.size()) {
      double& x = logits[static_cast<std::size_t>(id)];
      x = x > 0.0 ? x / penalty : x * penalty;
    }
  }
}

void softmax(std::vector<double>& x) {
  const double peak = *std::max_element(x.begin(), x.end());
  double sum = 0.0;
  for (double& v : x) {
    v = std::exp(v - peak);
    sum += v;
  }
  for (double& v : x) {
    v /= sum;
  }
}

/// Ids by falling value, ties by id.
std::vector<std::size_t> order_of(std::span<const double> values, std::size_t k) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  k = std::min(k, order.size());
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(k), order.end(),
                    [&](std::size_t a, std::size_t b) {
                      return values[a] != values[b] ? values[a] > values[b] : a < b;
                    });
  order.resize(k);
  return order;
}

/// How many of the ordered candidates survive top-p and min-p; at least one. `chances` are their
/// probabilities among themselves, falling.
std::size_t survivors(std::span<const double> chances, const SamplingOptions& options) {
  std::size_t keep = 0;
  double mass = 0.0;
  while (keep < chances.size() && (keep == 0 || mass < options.top_p)) {
    mass += chances[keep];
    ++keep;
  }
  while (keep > 1 && chances[keep - 1] < options.min_p * chances[0]) {
    --keep;
  }
  return keep;
}

}  // namespace

void validate(const SamplingOptions& o) {
  check(o.temperature >= 0.0 && std::isfinite(o.temperature),
        "temperature is {}, must be 0 (the most likely token) or positive", o.temperature);
  check(o.top_p > 0.0 && o.top_p <= 1.0, "top-p is {}, must be above 0 and at most 1", o.top_p);
  check(o.min_p >= 0.0 && o.min_p <= 1.0, "min-p is {}, must be between 0 and 1", o.min_p);
  check(o.repeat_penalty > 0.0 && std::isfinite(o.repeat_penalty),
        "repeat-penalty is {}, must be positive (1: none)", o.repeat_penalty);
}

TokenId sample_token(ConstMatRef logits, std::span<const TokenId> history,
                     const SamplingOptions& options, std::uint64_t sequence,
                     std::uint64_t counter) {
  std::vector<double> x = row_as_double(logits);
  if (options.repeat_penalty != 1.0) {
    penalize(x, history, options.repeat_penalty);
  }
  if (options.temperature == 0.0) {
    return static_cast<TokenId>(std::max_element(x.begin(), x.end()) - x.begin());
  }
  for (double& v : x) {
    v /= options.temperature;
  }
  const std::size_t k = options.top_k == 0 ? x.size() : options.top_k;
  const std::vector<std::size_t> order = order_of(x, k);
  std::vector<double> chances;
  for (const std::size_t i : order) {
    chances.push_back(x[i]);
  }
  softmax(chances);
  const std::size_t keep = survivors(chances, options);
  const double mass =
      std::accumulate(chances.begin(), chances.begin() + static_cast<std::ptrdiff_t>(keep), 0.0);
  double left = random_uniform(options.seed, sequence, counter) * mass;
  for (std::size_t i = 0; i < keep; ++i) {
    left -= chances[i];
    if (left < 0.0) {
      return static_cast<TokenId>(order[i]);
    }
  }
  return static_cast<TokenId>(order[keep - 1]);
}

std::vector<double> log_softmax(ConstMatRef logits) {
  std::vector<double> x = row_as_double(logits);
  const double peak = *std::max_element(x.begin(), x.end());
  double sum = 0.0;
  for (const double v : x) {
    sum += std::exp(v - peak);
  }
  const double log_sum = peak + std::log(sum);
  for (double& v : x) {
    v -= log_sum;
  }
  return x;
}

std::vector<TokenChance> best_tokens(std::span<const double> logprobs, std::size_t k) {
  std::vector<TokenChance> out;
  for (const std::size_t i : order_of(logprobs, k)) {
    out.push_back({static_cast<TokenId>(i), logprobs[i]});
  }
  return out;
}

}  // namespace cajal
