// Timing: the fastest of several runs, since everything else on a machine only adds.
#pragma once

#include <algorithm>
#include <chrono>
#include <ctime>

namespace cajal::bench {

template <typename Body>
double seconds_of(const Body& body) {
  const auto start = std::chrono::steady_clock::now();
  body();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Seconds that all threads of this process have worked since it began: what a busy machine changes
/// least.
inline double processor_seconds() {
  timespec now = {};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
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
