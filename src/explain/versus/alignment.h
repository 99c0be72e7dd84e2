// Which positions of two prompts stand for each other: the roles that both have.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "text/token.h"

namespace cajal {

/// A place in the story that both prompts tell: its position in each, if it has one there.
struct SharedRole {
  std::optional<std::uint32_t> first = std::nullopt;
  std::optional<std::uint32_t> second = std::nullopt;

  std::optional<std::uint32_t> in(std::size_t prompt) const { return prompt == 0 ? first : second; }
  friend bool operator==(const SharedRole&, const SharedRole&) = default;
};

/// In order; every position of either prompt is in one role. Prompts of one length go position by
/// position; others so that the fewest tokens are replaced, added or left out (Levenshtein 1966),
/// and of equals so that ends of stretches that differ go together: the last pieces of two names.
std::vector<SharedRole> aligned(std::span<const TokenId> first, std::span<const TokenId> second);

/// [positions of the prompt] the index of its role.
std::vector<std::uint32_t> roles_of(std::span<const SharedRole> roles, std::size_t prompt);

}  // namespace cajal
