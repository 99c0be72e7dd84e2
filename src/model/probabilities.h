// Softmax of a few numbers in double: for sampling and routing, not for matrices.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

namespace cajal {

/// Turns logits into probabilities in place. `x` must not be empty.
inline void softmax(std::vector<double>& x) {
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

}  // namespace cajal
