// Seconds as people read them.
#pragma once

#include <string>

namespace cajal {

/// "12 s", "7 min", "2.5 h", "long".
std::string duration(double seconds);

/// "  12000 tokens/s  7 min left", for the end of a line; empty while there is no rate.
std::string pace(double tokens_per_s, double seconds_left);

}  // namespace cajal
