// Cutting the pieces of a text where a pattern matches.
#pragma once

#include <string_view>
#include <vector>

#include "base/utf8.h"
#include "text/pre_tokenizers.h"

namespace cajal {

/// A stretch of a piece, and whether the pattern matched it.
struct Stretch {
  ByteRange range;
  bool match = false;
};

/// Matches and what lies between them, covering [0, size).
std::vector<Stretch> with_gaps(const std::vector<ByteRange>& matches, std::size_t size);

/// Appends to `pieces`, moved by `offset`, what `behavior` makes of the stretches; no empty ones.
void join_stretches(const std::vector<Stretch>& stretches, SplitBehavior behavior,
                    std::size_t offset, std::vector<ByteRange>& pieces);

/// Each character for which `predicate` holds is a match.
template <typename Predicate>
void match_characters(std::string_view text, const Predicate& predicate,
                      std::vector<ByteRange>& matches) {
  for (std::size_t i = 0; i < text.size();) {
    const CodePoint c = decode_utf8(text.substr(i));
    if (predicate(c.value)) {
      matches.push_back({i, i + c.length});
    }
    i += c.length;
  }
}

/// Cuts every piece where find(piece, matches) matches.
template <typename Find>
void split_pieces(PreTokenized& text, SplitBehavior behavior, const Find& find) {
  std::vector<ByteRange> pieces;
  std::vector<ByteRange> matches;
  for (const ByteRange piece : text.pieces) {
    matches.clear();
    find(text.text.view(piece), matches);
    join_stretches(with_gaps(matches, piece.size()), behavior, piece.begin, pieces);
  }
  text.pieces = std::move(pieces);
}

}  // namespace cajal
