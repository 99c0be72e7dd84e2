#include "train/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace cajal {
namespace {

/// 1 at the begin of the decay, 0 at its end.
double shape(Decay decay, double progress) {
  switch (decay) {
    case Decay::None:
      return 1.0;
    case Decay::Linear:
      return 1.0 - progress;
    case Decay::Cosine:
      break;
  }
  return 0.5 * (1.0 + std::cos(std::numbers::pi * progress));
}

}  // namespace

double learning_rate(const Schedule& schedule, std::size_t t) {
  if (t <= schedule.warmup) {
    return schedule.peak * static_cast<double>(t) / static_cast<double>(schedule.warmup);
  }
  const std::size_t falling =
      schedule.steps > schedule.warmup ? schedule.steps - schedule.warmup : 1;
  const double progress =
      std::min(1.0, static_cast<double>(t - schedule.warmup - 1) / static_cast<double>(falling));
  const double left = shape(schedule.decay, progress);
  return schedule.peak * (schedule.last + (1.0 - schedule.last) * left);
}

}  // namespace cajal
