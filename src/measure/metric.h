// A figure and its name.
#pragma once

#include <optional>
#include <string>

namespace cajal {

struct Metric {
  std::string name;
  std::optional<double> value;  // absent: not measured
};

}  // namespace cajal
