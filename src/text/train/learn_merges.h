// Which pairs of pieces a byte-level BPE joins, learned from counted words (Sennrich et al. 2016).
//
// The pair that occurs most often is joined everywhere, again and again; of two that occur equally
// often the one with the smaller ids. Words are never joined with each other. Some words ("spelled"
// ones: names that a model is to look up) must stay in two or more pieces, and pieces that only one
// of them has are not made.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "text/token.h"

namespace cajal {

/// A word of the text and how often it occurs.
struct CountedWord {
  std::string bytes;
  std::int64_t count = 0;
  std::optional<std::size_t> name;  // of spelled words: which one, whatever space stands before it
};

struct MergeLimits {
  std::size_t pieces = 0;                 // stop when the vocabulary has so many
  std::int64_t min_count = 2;             // of a pair, in the whole text
  std::size_t min_names = 2;              // a pair of spelled words only must be in so many of them
  std::unordered_set<std::string> never;  // no piece is ever this
};

/// The bytes of each piece, by id; the ids of pieces are found again by their bytes.
class PieceTable {
 public:
  /// The id of `bytes`, new or old.
  TokenId add(std::string bytes);
  std::optional<TokenId> id_of(const std::string& bytes) const;
  const std::string& bytes(TokenId id) const { return pieces_[static_cast<std::size_t>(id)]; }
  std::size_t size() const noexcept { return pieces_.size(); }

 private:
  std::vector<std::string> pieces_;
  std::unordered_map<std::string, TokenId> ids_;
};

struct PiecePair {
  TokenId left = 0;
  TokenId right = 0;
  friend bool operator==(const PiecePair&, const PiecePair&) = default;
};

/// The pairs in the order in which they are joined; their pieces are appended to `pieces`, which
/// must hold every single byte. Fewer pieces than the limit where no pair is left.
std::vector<PiecePair> learn_merges(const std::vector<CountedWord>& words,
                                    const MergeLimits& limits, PieceTable& pieces);

}  // namespace cajal
