// Whole numbers as people write them.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace cajal {

/// Of digits alone, no sign and no space; nullopt for any other text and for what does not fit.
std::optional<std::size_t> whole_number(std::string_view text) noexcept;

}  // namespace cajal
