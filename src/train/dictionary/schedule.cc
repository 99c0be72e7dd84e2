#include <cmath>
#include <numbers>

#include "train/dictionary/recipe.h"

namespace cajal {
namespace {

double rise(Warmup kind, std::size_t t, std::size_t warmup) {
  const auto n = static_cast<double>(warmup);
  const auto done = static_cast<double>(t);
  switch (kind) {
    case Warmup::Linear:
      return std::min(1.0, (done + 1.0) / n);
    case Warmup::FromZero:
      return std::min(1.0, done / n);
    case Warmup::Cosine:
      break;
  }
  const double progress = std::min(1.0, done / n);
  return 0.1 + 0.9 * 0.5 * (1.0 - std::cos(std::numbers::pi * progress));
}

}  // namespace

double DictionarySchedule::at(std::size_t t) const {
  if (warmup != 0 && t < warmup) {
    return peak * rise(kind, t, warmup);
  }
  if (decay != 0 && t < steps && t + decay >= steps) {
    return peak * static_cast<double>(steps - t) / static_cast<double>(decay);
  }
  return peak;
}

}  // namespace cajal
