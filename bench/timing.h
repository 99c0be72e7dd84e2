// Timing: the fastest of several runs, since everything else on a machine only adds.
#pragma once

#include <algorithm>
#include <chrono>

namespace cajal::bench {

template <typename Body>
double seconds_of(const Body& body) {
  const auto start = std::chrono::steady_clock::now();
  body();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

template <typename Body>
double best_seconds(int rounds, const Body& body) {
  double best = 1e30;
  for (int i = 0; i < rounds; ++i) {
    best = std::min(best, seconds_of(body));
  }
  return best;
}

}  // namespace cajal::bench
