// Numbers above zero as people write them.
#pragma once

#include <optional>
#include <string_view>

namespace cajal {

/// "8", "20.5", "1e3": a finite decimal number above 0, no sign and no space; nullopt for any other
/// text.
std::optional<double> positive_number(std::string_view text) noexcept;

}  // namespace cajal
