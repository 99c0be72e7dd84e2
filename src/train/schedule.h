// How large the steps of a training are: up in a line, then down to nothing.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cajal {

enum class Decay : std::uint8_t { None, Linear, Cosine };

struct Schedule {
  double peak = 1e-3;
  std::size_t steps = 0;   // of the whole training; only Decay::None may leave it 0
  std::size_t warmup = 0;  // steps that the rise to the peak takes
  Decay decay = Decay::Cosine;
  double last = 0.0;  // fraction of the peak that is left after the last step
};

/// Of step t, counted from 1: peak * t / warmup up to the peak, then down so that the step after
/// the last one would have `last * peak`.
double learning_rate(const Schedule& schedule, std::size_t t);

}  // namespace cajal
