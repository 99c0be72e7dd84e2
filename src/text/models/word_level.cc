#include "text/models/word_level.h"

#include <utility>

#include "base/error.h"

namespace cajal {

WordLevel::WordLevel(Vocabulary vocabulary, std::optional<TokenId> unknown)
    : vocabulary_(std::move(vocabulary)), unknown_(unknown) {}

void WordLevel::tokens(std::string_view text, ByteRange piece, std::vector<ModelToken>& out) const {
  const std::string_view word = text.substr(piece.begin, piece.size());
  const std::optional<TokenId> known = vocabulary_.id_of(word);
  if (!known && !unknown_) {
    fail(ErrorCode::InvalidArgument,
         "the word '{}' is not in the vocabulary, and the tokenizer has no token for the unknown",
         word.substr(0, 40));
  }
  out.push_back({known ? *known : *unknown_, piece, false});
}

}  // namespace cajal
