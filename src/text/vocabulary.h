// Pieces and their ids, both ways. Made for quick loading: one buffer, one table.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/token.h"

namespace cajal {

class Vocabulary {
 public:
  /// Ids above this are refused: memory is set aside for every id up to the largest.
  static constexpr TokenId kMostTokens = 1 << 24;

  void reserve(std::size_t tokens, std::size_t bytes);
  /// Returns false, changing nothing, if `id` is negative, too large, or has another piece already.
  /// Of two ids with the same piece the later one is found by id_of.
  bool add(std::string_view piece, TokenId id);

  std::optional<TokenId> id_of(std::string_view piece) const noexcept;
  bool has(TokenId id) const noexcept { return entry(id) != nullptr; }
  std::string_view piece(TokenId id) const noexcept;  // empty if there is none
  /// One more than the largest id.
  std::size_t size() const noexcept { return entries_.size(); }

 private:
  struct Entry {
    std::size_t begin = 0;
    std::uint32_t length = 0;
    bool used = false;
  };
  const Entry* entry(TokenId id) const noexcept;
  std::size_t slot_of(std::string_view piece) const noexcept;
  void grow();

  std::string bytes_;
  std::vector<Entry> entries_;
  std::vector<TokenId> slots_;  // open addressing, -1 for free; a power of two
  std::size_t pieces_ = 0;
};

/// 64 bits that depend on every byte; for tables in memory, never for files.
std::uint64_t hash_bytes(std::string_view bytes) noexcept;

}  // namespace cajal
