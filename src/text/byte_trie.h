// All keys that begin at some place of a text: a trie over bytes, its nodes in one hash table.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace cajal {

class ByteTrie {
 public:
  static constexpr std::int32_t kNoValue = -1;

  ByteTrie() : values_(1, kNoValue), slots_(1024) {}
  /// A key that is there already keeps its first value. Empty keys are never found.
  void add(std::string_view key, std::int32_t value);

  /// Calls found(length, value) for each key that `text` begins with, shortest first.
  template <typename Found>
  void prefixes(std::string_view text, const Found& found) const {
    std::uint32_t node = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
      node = child(node, static_cast<unsigned char>(text[i]));
      if (node == 0) {
        return;
      }
      if (values_[node] != kNoValue) {
        found(i + 1, values_[node]);
      }
    }
  }

  struct Match {
    std::size_t length = 0;  // 0: nothing found
    std::int32_t value = kNoValue;
  };
  Match longest(std::string_view text) const;

 private:
  struct Slot {
    std::uint64_t key = 0;  // node << 8 | byte
    std::uint32_t child = 0;
  };
  static std::uint64_t mix(std::uint64_t key) noexcept {
    key *= 0x9E3779B97F4A7C15U;
    return key ^ (key >> 31U);
  }
  std::uint32_t child(std::uint32_t node, unsigned char byte) const noexcept {
    const std::uint64_t key = std::uint64_t{node} << 8U | byte;
    const std::size_t mask = slots_.size() - 1;
    std::size_t slot = mix(key) & mask;
    while (slots_[slot].child != 0 && slots_[slot].key != key) {
      slot = (slot + 1) & mask;
    }
    return slots_[slot].child;
  }
  void insert(std::uint64_t key, std::uint32_t child);
  void grow();

  std::vector<std::int32_t> values_;  // of each node; node 0 is the root
  std::vector<Slot> slots_;           // open addressing; a power of two
};

}  // namespace cajal
