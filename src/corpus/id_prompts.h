// Prompts of token ids for models that come without a tokenizer: one id of each slot, in order.
//
//   "0-6 7-13 14,15 49"   one of 0 to 6, one of 7 to 13, 14 or 15, then 49
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "text/token.h"

namespace cajal {

class IdPrompts {
 public:
  /// Throws InvalidArgument quoting what is no list of ids or ranges of them.
  explicit IdPrompts(std::string_view slots);

  /// `count` draws of (seed, "id prompts"), each different prompt once, in the order of its first.
  std::vector<std::vector<TokenId>> draw(std::uint64_t seed, std::size_t count) const;
  TokenId largest() const;

 private:
  std::vector<std::vector<TokenId>> slots_;  // no slot is empty
};

/// Where in [0, 1) a prompt lies by its ids alone, in steps of 1/1000: splits are made of this, so
/// that no seed teaches what another asks.
double place_in_split(std::span<const TokenId> ids);

}  // namespace cajal
