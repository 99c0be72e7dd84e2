// The merge loop of byte-pair encoding (Sennrich et al. 2016): the best-ranked neighbours become
// one symbol, ties to the left, until no pair is in the table.
//
// Short pieces are scanned again after each merge, which is quickest for words; long ones use a
// heap, n log n for any text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "text/token.h"

namespace cajal {

struct Symbol {
  TokenId id = 0;  // negative: takes part in no merge
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
};

class MergeTable {
 public:
  struct Rule {
    std::uint32_t rank = std::numeric_limits<std::uint32_t>::max();  // lower goes first
    TokenId result = 0;
    bool exists() const noexcept { return rank != std::numeric_limits<std::uint32_t>::max(); }
  };

  MergeTable() : slots_(1024) {}
  void reserve(std::size_t rules);
  /// A pair that is there already gets the new rule.
  void add(TokenId left, TokenId right, Rule rule);
  Rule find(TokenId left, TokenId right) const noexcept;
  std::size_t size() const noexcept { return rules_; }

  /// Merges `symbols`, neighbours in the text, as far as the rules go.
  void apply(std::vector<Symbol>& symbols) const;

 private:
  struct Slot {
    std::uint64_t key = 0;  // left + 1, right; 0 is free
    Rule rule;
  };
  static std::uint64_t key_of(TokenId left, TokenId right) noexcept {
    return (std::uint64_t{static_cast<std::uint32_t>(left)} + 1) << 32U |
           static_cast<std::uint32_t>(right);
  }
  static std::uint64_t mix(std::uint64_t key) noexcept {
    key *= 0x9E3779B97F4A7C15U;
    return key ^ (key >> 32U);
  }
  void apply_scanning(std::vector<Symbol>& symbols) const;
  void apply_with_heap(std::vector<Symbol>& symbols) const;
  void grow();

  std::vector<Slot> slots_;  // open addressing; a power of two
  std::size_t rules_ = 0;
};

}  // namespace cajal
