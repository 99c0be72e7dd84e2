#include "text/models/merges.h"

#include <algorithm>
#include <array>
#include <functional>
#include <utility>

namespace cajal {
namespace {

constexpr std::size_t kMostScanned = 64;
constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();

/// Symbols of a long piece as a doubly linked list, and a heap of the pairs that can merge.
class MergeList {
 public:
  MergeList(const MergeTable& table, std::vector<Symbol>& symbols)
      : table_(table), symbols_(symbols), places_(symbols.size()) {
    const auto count = static_cast<std::uint32_t>(symbols.size());
    for (std::uint32_t i = 0; i < count; ++i) {
      places_[i].previous = i == 0 ? kNone : i - 1;
      places_[i].next = i + 1 == count ? kNone : i + 1;
    }
    for (std::uint32_t i = 0; i < count; ++i) {
      if (rank_pair(i)) {
        heap_.push_back(entry(i));
      }
    }
    std::make_heap(heap_.begin(), heap_.end(), std::greater<>());
  }

  void run() {
    while (!heap_.empty()) {
      std::pop_heap(heap_.begin(), heap_.end(), std::greater<>());
      const std::uint64_t best = heap_.back();
      heap_.pop_back();
      const auto left = static_cast<std::uint32_t>(best);
      if (places_[left].rule.exists() && entry(left) == best) {
        merge(left);
      }
    }
    compact();
  }

 private:
  struct Place {
    std::uint32_t previous = kNone;
    std::uint32_t next = kNone;
    MergeTable::Rule rule;  // of this symbol and the next
  };

  /// Lower rank first, then further left.
  std::uint64_t entry(std::uint32_t i) const noexcept {
    return std::uint64_t{places_[i].rule.rank} << 32U | i;
  }

  bool rank_pair(std::uint32_t i) {
    Place& place = places_[i];
    place.rule = place.next == kNone ? MergeTable::Rule{}
                                     : table_.find(symbols_[i].id, symbols_[place.next].id);
    return place.rule.exists();
  }

  void push_pair(std::uint32_t i) {
    if (rank_pair(i)) {
      heap_.push_back(entry(i));
      std::push_heap(heap_.begin(), heap_.end(), std::greater<>());
    }
  }

  void merge(std::uint32_t left) {
    Place& place = places_[left];
    const std::uint32_t right = place.next;
    symbols_[left].id = place.rule.result;
    symbols_[left].end = symbols_[right].end;
    place.next = places_[right].next;
    if (place.next != kNone) {
      places_[place.next].previous = left;
    }
    places_[right].rule = {};  // its own pair is gone
    push_pair(left);
    if (place.previous != kNone) {
      push_pair(place.previous);
    }
  }

  void compact() {
    std::size_t kept = 0;
    for (std::uint32_t i = 0; i != kNone && !places_.empty(); i = places_[i].next) {
      symbols_[kept++] = symbols_[i];
    }
    symbols_.resize(kept);
  }

  const MergeTable& table_;
  std::vector<Symbol>& symbols_;
  std::vector<Place> places_;
  std::vector<std::uint64_t> heap_;
};

}  // namespace

void MergeTable::reserve(std::size_t rules) {
  while (slots_.size() < 2 * rules) {
    grow();
  }
}

void MergeTable::add(TokenId left, TokenId right, Rule rule) {
  if (2 * (rules_ + 1) > slots_.size()) {
    grow();
  }
  const std::uint64_t key = key_of(left, right);
  const std::size_t mask = slots_.size() - 1;
  std::size_t slot = mix(key) & mask;
  while (slots_[slot].key != 0 && slots_[slot].key != key) {
    slot = (slot + 1) & mask;
  }
  if (slots_[slot].key == 0) {
    ++rules_;
  }
  slots_[slot] = {key, rule};
}

MergeTable::Rule MergeTable::find(TokenId left, TokenId right) const noexcept {
  if (left < 0 || right < 0) {
    return {};
  }
  const std::uint64_t key = key_of(left, right);
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t slot = mix(key) & mask;; slot = (slot + 1) & mask) {
    if (slots_[slot].key == key) {
      return slots_[slot].rule;
    }
    if (slots_[slot].key == 0) {
      return {};
    }
  }
}

void MergeTable::apply(std::vector<Symbol>& symbols) const {
  if (symbols.size() <= kMostScanned) {
    apply_scanning(symbols);
  } else {
    apply_with_heap(symbols);
  }
}

void MergeTable::apply_scanning(std::vector<Symbol>& symbols) const {
  if (symbols.size() < 2) {
    return;
  }
  std::array<Rule, kMostScanned> rules;
  std::size_t pairs = symbols.size() - 1;
  for (std::size_t i = 0; i < pairs; ++i) {
    rules[i] = find(symbols[i].id, symbols[i + 1].id);
  }
  while (pairs > 0) {
    std::size_t best = 0;
    for (std::size_t i = 1; i < pairs; ++i) {
      best = rules[i].rank < rules[best].rank ? i : best;
    }
    if (!rules[best].exists()) {
      break;
    }
    symbols[best].id = rules[best].result;
    symbols[best].end = symbols[best + 1].end;
    std::copy(symbols.begin() + static_cast<std::ptrdiff_t>(best) + 2,
              symbols.begin() + static_cast<std::ptrdiff_t>(pairs) + 1,
              symbols.begin() + static_cast<std::ptrdiff_t>(best) + 1);
    std::copy(rules.begin() + static_cast<std::ptrdiff_t>(best) + 1,
              rules.begin() + static_cast<std::ptrdiff_t>(pairs),
              rules.begin() + static_cast<std::ptrdiff_t>(best));
    --pairs;
    if (best > 0) {
      rules[best - 1] = find(symbols[best - 1].id, symbols[best].id);
    }
    if (best < pairs) {
      rules[best] = find(symbols[best].id, symbols[best + 1].id);
    }
  }
  symbols.resize(pairs + 1);
}

void MergeTable::apply_with_heap(std::vector<Symbol>& symbols) const {
  MergeList(*this, symbols).run();
}

void MergeTable::grow() {
  std::vector<Slot> old(2 * slots_.size());
  std::swap(old, slots_);
  const std::size_t mask = slots_.size() - 1;
  for (const Slot& moved : old) {
    if (moved.key != 0) {
      std::size_t slot = mix(moved.key) & mask;
      while (slots_[slot].key != 0) {
        slot = (slot + 1) & mask;
      }
      slots_[slot] = moved;
    }
  }
}

}  // namespace cajal
