// What one rendering may use: a hostile template ends in a Limit failure, not in a hang.
#pragma once

#include <cstdint>

#include "text/jinja/failure.h"

namespace cajal::jinja {

struct Limits {
  std::uint64_t steps = 10'000'000;               // nodes evaluated, items visited
  std::uint64_t bytes = std::uint64_t{1} << 29U;  // written in all, intermediate values included
  std::uint64_t one_value = std::uint64_t{1} << 26U;  // bytes of a single value
  int depth = 500;                                    // nested evaluations
};

/// One step for each so many bytes of a text that is only read.
constexpr std::uint64_t kBytesPerStep = 64;

class Budget {
 public:
  explicit Budget(const Limits& limits) : limits_(limits) {}
  const Limits& limits() const noexcept { return limits_; }

  void steps(std::uint64_t count) {
    steps_ += count;
    if (steps_ > limits_.steps || count > limits_.steps) {
      raise(FailureKind::Limit, "the template takes more than {} steps", limits_.steps);
    }
  }
  /// Call before a value of that many bytes is made.
  void bytes(std::uint64_t count) {
    if (count > limits_.one_value) {
      raise(FailureKind::Limit, "a value would take more than {} bytes", limits_.one_value);
    }
    bytes_ += count;
    if (bytes_ > limits_.bytes) {
      raise(FailureKind::Limit, "the template writes more than {} bytes", limits_.bytes);
    }
  }

 private:
  Limits limits_;
  std::uint64_t steps_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace cajal::jinja
