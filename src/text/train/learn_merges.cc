#include "text/train/learn_merges.h"

#include <algorithm>
#include <queue>
#include <utility>

namespace cajal {
namespace {

using Symbols = std::vector<TokenId>;

std::uint64_t key_of(PiecePair pair) {
  return std::uint64_t{static_cast<std::uint32_t>(pair.left)} << 32U |
         static_cast<std::uint32_t>(pair.right);
}

/// Most frequent first, then the smaller ids.
struct Candidate {
  std::int64_t count = 0;
  PiecePair pair;
  bool operator<(const Candidate& other) const {
    return count != other.count ? count < other.count : key_of(pair) > key_of(other.pair);
  }
};

class Learner {
 public:
  Learner(const std::vector<CountedWord>& words, const MergeLimits& limits, PieceTable& pieces)
      : words_(words), limits_(limits), pieces_(pieces) {
    symbols_.reserve(words.size());
    for (std::size_t i = 0; i < words.size(); ++i) {
      symbols_.push_back(single_bytes(words[i].bytes));
      count_pairs(i, 1);
    }
    offer_changed();
  }

  std::vector<PiecePair> learn() {
    std::vector<PiecePair> out;
    while (pieces_.size() < limits_.pieces && !queue_.empty()) {
      const Candidate best = queue_.top();
      queue_.pop();
      const auto found = pairs_.find(key_of(best.pair));
      if (found == pairs_.end() || found->second.count != best.count || !allowed(best)) {
        continue;  // its count has changed since, and it was offered again
      }
      out.push_back(best.pair);
      join(best.pair);
    }
    return out;
  }

 private:
  struct Pair {
    std::int64_t count = 0;
    std::vector<std::size_t> words;  // that had it at some time, perhaps more than once
    bool changed = false;            // it is in changed_
  };

  Symbols single_bytes(const std::string& word) const {
    Symbols out;
    for (const char byte : word) {
      out.push_back(*pieces_.id_of(std::string(1, byte)));
    }
    return out;
  }

  /// Adds the pairs of a word to the counts, or with sign -1 takes them away.
  void count_pairs(std::size_t word, std::int64_t sign) {
    const Symbols& symbols = symbols_[word];
    for (std::size_t i = 0; i + 1 < symbols.size(); ++i) {
      const PiecePair pair{symbols[i], symbols[i + 1]};
      Pair& entry = pairs_[key_of(pair)];
      entry.count += sign * words_[word].count;
      if (sign > 0 && (entry.words.empty() || entry.words.back() != word)) {
        entry.words.push_back(word);
      }
      if (!std::exchange(entry.changed, true)) {
        changed_.push_back(pair);  // once, however often a long word has it
      }
    }
  }

  void offer_changed() {
    for (const PiecePair pair : changed_) {
      Pair& entry = pairs_[key_of(pair)];
      entry.changed = false;
      if (entry.count >= limits_.min_count) {
        queue_.push({entry.count, pair});
      }
    }
    changed_.clear();
  }

  bool contains(const Symbols& symbols, PiecePair pair) const {
    for (std::size_t i = 0; i + 1 < symbols.size(); ++i) {
      if (symbols[i] == pair.left && symbols[i + 1] == pair.right) {
        return true;
      }
    }
    return false;
  }

  bool allowed(const Candidate& candidate) const {
    const PiecePair pair = candidate.pair;
    if (limits_.never.count(pieces_.bytes(pair.left) + pieces_.bytes(pair.right)) != 0) {
      return false;
    }
    std::unordered_set<std::size_t> names;
    for (const std::size_t word : pairs_.at(key_of(pair)).words) {
      if (!contains(symbols_[word], pair)) {
        continue;
      }
      if (!words_[word].name) {
        return true;
      }
      names.insert(*words_[word].name);
    }
    return names.size() >= limits_.min_names;
  }

  void join(PiecePair pair) {
    const TokenId joined = pieces_.add(pieces_.bytes(pair.left) + pieces_.bytes(pair.right));
    const std::vector<std::size_t> words = std::move(pairs_[key_of(pair)].words);
    pairs_[key_of(pair)].words.clear();
    for (const std::size_t word : words) {
      if (contains(symbols_[word], pair)) {
        count_pairs(word, -1);
        join_in(symbols_[word], pair, joined);
        count_pairs(word, 1);
      }
    }
    offer_changed();
  }

  static void join_in(Symbols& symbols, PiecePair pair, TokenId joined) {
    std::size_t end = 0;
    for (std::size_t i = 0; i < symbols.size(); ++i) {
      const bool here =
          symbols[i] == pair.left && i + 1 < symbols.size() && symbols[i + 1] == pair.right;
      symbols[end++] = here ? joined : symbols[i];
      i += here ? 1 : 0;
    }
    symbols.resize(end);
  }

  const std::vector<CountedWord>& words_;
  const MergeLimits& limits_;
  PieceTable& pieces_;
  std::vector<Symbols> symbols_;
  std::unordered_map<std::uint64_t, Pair> pairs_;
  std::vector<PiecePair> changed_;
  std::priority_queue<Candidate> queue_;
};

}  // namespace

TokenId PieceTable::add(std::string bytes) {
  const auto [at, is_new] = ids_.try_emplace(bytes, static_cast<TokenId>(pieces_.size()));
  if (is_new) {
    pieces_.push_back(std::move(bytes));
  }
  return at->second;
}

std::optional<TokenId> PieceTable::id_of(const std::string& bytes) const {
  const auto found = ids_.find(bytes);
  return found == ids_.end() ? std::nullopt : std::optional(found->second);
}

std::vector<PiecePair> learn_merges(const std::vector<CountedWord>& words,
                                    const MergeLimits& limits, PieceTable& pieces) {
  return Learner(words, limits, pieces).learn();
}

}  // namespace cajal
