// How far effects that graphs predict are those that are measured: many claims, summed up.
#pragma once

#include <span>
#include <vector>

#include "explain/claims.h"
#include "io/json.h"

namespace cajal {

/// Claims whose predicted effects are of like size.
struct CalibrationBin {
  std::size_t claims = 0;
  double predicted = 0.0;  // means, signed
  double measured = 0.0;
  double size_predicted = 0.0;  // means of absolute values
  double size_measured = 0.0;
  double ratio = 0.0;       // the median of measured / predicted
  double control = 0.0;     // the mean |effect| of random groups
  double control_95 = 0.0;  // the mean of their 95th percentiles
  double sign = 0.0;        // shares of the claims: sign right,
  double size = 0.0;        // measured / predicted in bounds,
  double beyond = 0.0;      // more than controls,
  double held = 0.0;        // all three
};

struct Calibration {
  CalibrationBin all;
  std::vector<CalibrationBin> deciles;  // by |predicted|, smallest first; fewer of few claims
  double correlation = 0.0;       // of predicted and measured (Pearson); 0 where one is constant
  double rank_correlation = 0.0;  // of their ranks (Spearman), ties in the middle
};

/// In any order. Claims of which nothing is predicted count, too.
Calibration calibrate(std::span<const TestedClaim> claims);

/// Of two lists as long as each other; 0 where one of them does not vary.
double correlation(std::span<const double> a, std::span<const double> b);
/// [values] 0 for the smallest, ties at their mean.
std::vector<double> ranks_of(std::span<const double> values);

Json to_json(const Calibration& calibration);

}  // namespace cajal
