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

}  // namespace cajal
