#include "base/positive_number.h"

#include <charconv>
#include <cmath>

namespace cajal {

std::optional<double> positive_number(std::string_view text) noexcept {
  double out = 0.0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  const bool all = error == std::errc() && end == text.data() + text.size();
  return all && std::isfinite(out) && out > 0.0 ? std::optional(out) : std::nullopt;
}

}  // namespace cajal
