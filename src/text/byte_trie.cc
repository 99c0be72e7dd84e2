#include "text/byte_trie.h"

#include <utility>

namespace cajal {

void ByteTrie::add(std::string_view key, std::int32_t value) {
  std::uint32_t node = 0;
  for (const char c : key) {
    const auto byte = static_cast<unsigned char>(c);
    std::uint32_t next = child(node, byte);
    if (next == 0) {
      if (2 * (values_.size() + 1) > slots_.size()) {
        grow();
      }
      next = static_cast<std::uint32_t>(values_.size());
      values_.push_back(kNoValue);
      insert(std::uint64_t{node} << 8U | byte, next);
    }
    node = next;
  }
  if (values_[node] == kNoValue) {
    values_[node] = value;
  }
}

ByteTrie::Match ByteTrie::longest(std::string_view text) const {
  Match best;
  prefixes(text, [&](std::size_t length, std::int32_t value) { best = {length, value}; });
  return best;
}

void ByteTrie::insert(std::uint64_t key, std::uint32_t child) {
  const std::size_t mask = slots_.size() - 1;
  std::size_t slot = mix(key) & mask;
  while (slots_[slot].child != 0) {
    slot = (slot + 1) & mask;
  }
  slots_[slot] = {key, child};
}

void ByteTrie::grow() {
  std::vector<Slot> old(2 * slots_.size());
  std::swap(old, slots_);
  for (const Slot& slot : old) {
    if (slot.child != 0) {
      insert(slot.key, slot.child);
    }
  }
}

}  // namespace cajal
