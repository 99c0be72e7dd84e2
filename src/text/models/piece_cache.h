// Ids of pieces met before. Text repeats its words, so most pieces need no merging at all.
//
// One place per hash, the newer piece taking it: small enough to stay in the processor's cache.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <mutex>
#include <string_view>
#include <utility>
#include <vector>

#include "text/token.h"

namespace cajal {

class PieceCache {
 public:
  static constexpr std::size_t kMostBytes = 15;  // longer pieces are not kept
  static constexpr std::size_t kMostIds = 7;

  struct Entry {
    std::array<std::uint64_t, 2> key{};  // the bytes, zeros, and in the last byte the length
    std::array<TokenId, kMostIds> ids{};
    std::uint32_t count = 0;
  };

  PieceCache() : entries_(kEntries) {}

  /// `piece` must have 1 to kMostBytes bytes.
  static std::array<std::uint64_t, 2> key_of(std::string_view piece) noexcept {
    std::array<char, 16> bytes{};
    std::memcpy(bytes.data(), piece.data(), piece.size());
    bytes[15] = static_cast<char>(piece.size());
    std::array<std::uint64_t, 2> key{};
    std::memcpy(key.data(), bytes.data(), sizeof(key));
    return key;
  }
  /// The place of this key; it holds the ids if its key is equal.
  Entry& place(const std::array<std::uint64_t, 2>& key) noexcept {
    std::uint64_t hash = (key[0] ^ (key[1] * 0xC2B2AE3D27D4EB4FU)) * 0x9E3779B97F4A7C15U;
    hash ^= hash >> 32U;
    return entries_[hash & (kEntries - 1)];
  }

 private:
  static constexpr std::size_t kEntries = std::size_t{1} << 15U;
  std::vector<Entry> entries_;
};

/// Caches that threads borrow one each, so that a warm one is there for the next call.
class PieceCachePool {
 public:
  std::unique_ptr<PieceCache> take() {
    const std::lock_guard lock(mutex_);
    if (free_.empty()) {
      return std::make_unique<PieceCache>();
    }
    auto cache = std::move(free_.back());
    free_.pop_back();
    return cache;
  }
  void give_back(std::unique_ptr<PieceCache> cache) {
    const std::lock_guard lock(mutex_);
    free_.push_back(std::move(cache));
  }

 private:
  std::mutex mutex_;  // guards free_
  std::vector<std::unique_ptr<PieceCache>> free_;
};

}  // namespace cajal
