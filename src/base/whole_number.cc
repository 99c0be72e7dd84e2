#include "base/whole_number.h"

#include <charconv>

namespace cajal {

std::optional<std::size_t> whole_number(std::string_view text) noexcept {
  std::size_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  const bool all = error == std::errc() && end == text.data() + text.size();
  return all ? std::optional(out) : std::nullopt;
}

}  // namespace cajal
