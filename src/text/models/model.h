// The last step of a tokenizer: one piece of text, as the pre-tokenizer cut it, to tokens.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "text/aligned_text.h"
#include "text/token.h"
#include "text/vocabulary.h"

namespace cajal {

struct ModelToken {
  TokenId id = 0;
  ByteRange range;          // in the text the piece is part of
  bool shows_text = false;  // as its piece, the text is shown and not the vocabulary's spelling
};

/// Never changes once built; usable from any number of threads.
class TokenModel {
 public:
  TokenModel() = default;
  TokenModel(const TokenModel&) = delete;
  TokenModel& operator=(const TokenModel&) = delete;
  virtual ~TokenModel() = default;

  virtual const Vocabulary& vocabulary() const = 0;
  /// Appends the tokens of text[piece].
  virtual void tokens(std::string_view text, ByteRange piece,
                      std::vector<ModelToken>& out) const = 0;
  /// Appends the ids of all pieces; the quick way when nothing else is wanted.
  virtual void ids(std::string_view text, std::span<const ByteRange> pieces,
                   std::vector<TokenId>& out) const;
  virtual std::string_view name() const = 0;
};

}  // namespace cajal
