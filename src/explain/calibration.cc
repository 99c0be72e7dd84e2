#include "explain/calibration.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace cajal {
namespace {

constexpr std::size_t kBins = 10;

double mean_size(std::span<const double> values) {
  double sum = 0.0;
  for (const double value : values) {
    sum += std::abs(value);
  }
  return values.empty() ? 0.0 : sum / static_cast<double>(values.size());
}

CalibrationBin bin_of(std::span<const TestedClaim* const> claims) {
  CalibrationBin out = {.claims = claims.size()};
  if (claims.empty()) {
    return out;
  }
  const double each = 1.0 / static_cast<double>(claims.size());
  std::vector<double> ratios;
  for (const TestedClaim* one : claims) {
    const TriedClaim& claim = one->claim;
    out.predicted += each * claim.predicted;
    out.measured += each * claim.measured;
    out.size_predicted += each * std::abs(claim.predicted);
    out.size_measured += each * std::abs(claim.measured);
    out.control += each * mean_size(one->controls);
    out.control_95 += each * claim.control_95;
    out.sign += claim.sign ? each : 0.0;
    out.size += claim.size ? each : 0.0;
    out.beyond += claim.beyond ? each : 0.0;
    out.held += claim.held() ? each : 0.0;
    if (claim.predicted != 0.0) {
      ratios.push_back(claim.measured / claim.predicted);
    }
  }
  out.ratio = percentile(std::move(ratios), 0.5);
  return out;
}

Json to_json(const CalibrationBin& bin) {
  return Json::object({{"claims", std::uint64_t{bin.claims}},
                       {"predicted", bin.predicted},
                       {"measured", bin.measured},
                       {"size_predicted", bin.size_predicted},
                       {"size_measured", bin.size_measured},
                       {"ratio", bin.ratio},
                       {"control", bin.control},
                       {"control_95", bin.control_95},
                       {"sign", bin.sign},
                       {"size", bin.size},
                       {"beyond", bin.beyond},
                       {"held", bin.held}});
}

}  // namespace

double correlation(std::span<const double> a, std::span<const double> b) {
  const auto mean = [](std::span<const double> x) {
    return std::accumulate(x.begin(), x.end(), 0.0) / static_cast<double>(x.size());
  };
  if (a.empty()) {
    return 0.0;
  }
  const double mean_a = mean(a);
  const double mean_b = mean(b);
  double ab = 0.0;
  double aa = 0.0;
  double bb = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    ab += (a[i] - mean_a) * (b[i] - mean_b);
    aa += (a[i] - mean_a) * (a[i] - mean_a);
    bb += (b[i] - mean_b) * (b[i] - mean_b);
  }
  return aa == 0.0 || bb == 0.0 ? 0.0 : ab / std::sqrt(aa * bb);
}

std::vector<double> ranks_of(std::span<const double> values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
  std::vector<double> out(values.size());
  for (std::size_t begin = 0, end = 0; begin < order.size(); begin = end) {
    while (end < order.size() && values[order[end]] == values[order[begin]]) {
      ++end;
    }
    for (std::size_t i = begin; i < end; ++i) {
      out[order[i]] = static_cast<double>(begin + end - 1) / 2.0;
    }
  }
  return out;
}

Calibration calibrate(std::span<const TestedClaim> claims) {
  std::vector<const TestedClaim*> sorted;
  std::vector<double> predicted;
  std::vector<double> measured;
  for (const TestedClaim& one : claims) {
    sorted.push_back(&one);
    predicted.push_back(one.claim.predicted);
    measured.push_back(one.claim.measured);
  }
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto* a, const auto* b) {
    return std::abs(a->claim.predicted) < std::abs(b->claim.predicted);
  });
  Calibration out = {.all = bin_of(sorted),
                     .correlation = correlation(predicted, measured),
                     .rank_correlation = correlation(ranks_of(predicted), ranks_of(measured))};
  const std::size_t bins = std::min(kBins, sorted.size());
  for (std::size_t i = 0; i < bins; ++i) {
    const std::size_t begin = i * sorted.size() / bins;
    const std::size_t end = (i + 1) * sorted.size() / bins;
    out.deciles.push_back(bin_of(std::span(sorted).subspan(begin, end - begin)));
  }
  return out;
}

Json to_json(const Calibration& calibration) {
  Json deciles(Json::Array{});
  for (const CalibrationBin& bin : calibration.deciles) {
    deciles.push_back(to_json(bin));
  }
  return Json::object({{"all", to_json(calibration.all)},
                       {"correlation", calibration.correlation},
                       {"rank_correlation", calibration.rank_correlation},
                       {"deciles", std::move(deciles)}});
}

}  // namespace cajal
