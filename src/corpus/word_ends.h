// Words that can be read at their last piece only.
//
// A tokenizer cuts rare words into pieces, and a model may then leave what the word means to
// whatever reads the pieces later, each on its own. Where the earlier pieces are hidden from
// everything after the word, the meaning has to be put together at the last one, where it can be
// seen. Hidden in a share of the documents only, so that the model also learns what it will meet:
// a context in which nothing is hidden.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "text/tokenizer.h"

namespace cajal {

inline constexpr std::int32_t kAlwaysSeen = std::numeric_limits<std::int32_t>::max();

/// Immutable; any thread may read.
class WordEnds {
 public:
  /// bytes: [vocabulary] what each token adds to a text; empty for control tokens. Hides pieces in
  /// `share` (0 to 1) of the documents, chosen by `seed` and the document's ids.
  WordEnds(std::span<const std::string> bytes, double share, std::uint64_t seed);

  /// Appends a number for each token: the place in the document from which on it is not seen, or
  /// kAlwaysSeen. A word is a run of ASCII letters.
  void append(std::span<const TokenId> document, std::vector<std::int32_t>& seen_until) const;

 private:
  bool hides(std::span<const TokenId> document) const;
  bool joins(TokenId left, TokenId right) const;

  struct Ends {
    bool first = false;  // is the first byte a letter?
    bool last = false;
  };
  std::vector<Ends> ends_;  // by token id
  double share_;
  std::uint64_t seed_;
};

}  // namespace cajal
