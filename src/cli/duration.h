// Seconds as people read them.
#pragma once

#include <string>

namespace cajal {

/// "12 s", "7 min", "2.5 h", "long".
std::string duration(double seconds);

}  // namespace cajal
