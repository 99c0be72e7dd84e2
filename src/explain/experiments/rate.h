// How often something happened, and how sure that number is.
#pragma once

#include <cstddef>

namespace cajal {

struct Interval {
  double low = 0.0;
  double high = 1.0;
};

struct Rate {
  std::size_t right = 0;
  std::size_t n = 0;

  void add(bool happened) {
    right += happened ? 1U : 0U;
    ++n;
  }
  double share() const {
    return n == 0 ? 0.0 : static_cast<double>(right) / static_cast<double>(n);
  }
};

/// Wilson's score interval of 95 % (Wilson 1927); [0, 1] of none.
Interval wilson_95(const Rate& rate);

}  // namespace cajal
