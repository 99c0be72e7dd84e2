#include "model/sampling.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <unordered_set>

#include "base/error.h"
#include "base/random.h"
#include "model/probabilities.h"

namespace cajal {
namespace {

/// Nothing sensible follows from such logits.
[[noreturn]] void refuse() {
  fail(ErrorCode::CorruptData,
       "the model gives logits that are not finite numbers: its weights are damaged, or too large "
       "for this precision");
}

/// Throws CorruptData if one is not finite.
std::vector<double> row_as_double(ConstMatRef logits) {
  std::vector<double> out(logits.cols);
  if (logits.dtype == DType::F64) {
    const auto row = logits.as<const double>().row(0);
    std::copy(row.begin(), row.end(), out.begin());
  } else {
    const auto row = logits.as<const float>().row(0);
    std::copy(row.begin(), row.end(), out.begin());
  }
  if (!std::all_of(out.begin(), out.end(), [](double x) { return std::isfinite(x); })) {
    refuse();
  }
  return out;
}

/// The largest; NaN if one is not finite. Lanes that do not wait for each other become vectors:
/// this runs in one thread for every token, while memory could be read.
template <typename T>
T peak_of(std::span<const T> row) {
  constexpr std::size_t kLanes = 16;
  std::array<T, kLanes> most;
  std::array<T, kLanes> zeros = {};  // x - x is 0 or NaN
  most.fill(row[0]);
  const auto take = [&](std::size_t i, std::size_t lane) {
    most[lane] = row[i] > most[lane] ? row[i] : most[lane];
    zeros[lane] += row[i] - row[i];
  };
  std::size_t i = 0;
  for (; i + kLanes <= row.size(); i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      take(i + lane, lane);
    }
  }
  for (; i < row.size(); ++i) {
    take(i, 0);
  }
  return *std::max_element(most.begin(), most.end()) +
         std::accumulate(zeros.begin(), zeros.end(), T{0});
}

/// The likeliest, of equals the one with the smallest id. Throws CorruptData if a logit is not
/// finite.
template <typename T>
TokenId likeliest(std::span<const T> row) {
  const T peak = peak_of(row);
  if (std::isnan(peak)) {
    refuse();
  }
  return static_cast<TokenId>(std::find(row.begin(), row.end(), peak) - row.begin());
}

TokenId likeliest(ConstMatRef logits) {
  return logits.dtype == DType::F64 ? likeliest<double>(logits.as<const double>().row(0))
                                    : likeliest<float>(logits.as<const float>().row(0));
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

/// How many of the ordered candidates top-p and min-p leave; at least one. `total` is the mass that
/// top-p is a fraction of.
std::size_t survivors(std::span<const double> chances, std::span<const std::size_t> order,
                      double total, const SamplingOptions& options) {
  double mass = 0.0;
  std::size_t keep = 0;
  while (keep < order.size()) {
    const double chance = chances[order[keep]];
    const bool unlikely = chance < options.min_p * chances[order[0]];
    if (keep != 0 && (unlikely || mass >= options.top_p * total)) {
      break;
    }
    mass += chance;
    ++keep;
  }
  return keep;
}

/// The tokens that top-k, then top-p and min-p leave, best first. Without top-k, sorts only as
/// much of the vocabulary as turns out to be needed.
std::vector<std::size_t> candidates(std::span<const double> chances,
                                    const SamplingOptions& options) {
  if (options.top_k != 0) {
    std::vector<std::size_t> order = order_of(chances, options.top_k);
    double total = 0.0;
    for (const std::size_t i : order) {
      total += chances[i];
    }
    order.resize(survivors(chances, order, total, options));
    return order;
  }
  for (std::size_t sorted = 256;; sorted *= 8) {
    std::vector<std::size_t> order = order_of(chances, sorted);
    const std::size_t keep = survivors(chances, order, 1.0, options);
    if (keep < order.size() || order.size() == chances.size()) {
      order.resize(keep);
      return order;
    }
  }
}

/// One of `order`, by its share of their mass; all ids in their own order if it is empty.
std::size_t draw(std::span<const double> chances, std::span<const std::size_t> order, double u) {
  const std::size_t count = order.empty() ? chances.size() : order.size();
  const auto id_at = [&](std::size_t i) { return order.empty() ? i : order[i]; };
  double mass = 0.0;
  for (std::size_t i = 0; i < count; ++i) {
    mass += chances[id_at(i)];
  }
  double left = u * mass;
  for (std::size_t i = 0; i < count; ++i) {
    left -= chances[id_at(i)];
    if (left < 0.0) {
      return id_at(i);
    }
  }
  // Rounding left a little: the likeliest.
  return order.empty() ? static_cast<std::size_t>(std::max_element(chances.begin(), chances.end()) -
                                                  chances.begin())
                       : order[0];
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
  if (options.temperature == 0.0 && options.repeat_penalty == 1.0) {
    return likeliest(logits);
  }
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
  softmax(x);
  const bool all = options.top_k == 0 && options.top_p == 1.0 && options.min_p == 0.0;
  const std::vector<std::size_t> order = all ? std::vector<std::size_t>() : candidates(x, options);
  return static_cast<TokenId>(draw(x, order, random_uniform(options.seed, sequence, counter)));
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

std::vector<double> token_probabilities(ConstMatRef logits) {
  std::vector<double> x = row_as_double(logits);
  softmax(x);
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
