#include "cli/duration.h"

#include <fmt/format.h>

namespace cajal {

std::string duration(double seconds) {
  if (!(seconds < 360000.0)) {
    return "long";
  }
  if (seconds < 90.0) {
    return fmt::format("{:.0f} s", seconds);
  }
  return seconds < 5400.0 ? fmt::format("{:.0f} min", seconds / 60.0)
                          : fmt::format("{:.1f} h", seconds / 3600.0);
}

std::string pace(double tokens_per_s, double seconds_left) {
  return tokens_per_s > 0.0
             ? fmt::format("  {:.0f} tokens/s  {} left", tokens_per_s, duration(seconds_left))
             : "";
}

}  // namespace cajal
