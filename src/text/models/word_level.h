// One token for each piece that is in the vocabulary, the unknown token for every other.
#pragma once

#include <optional>
#include <vector>

#include "text/models/model.h"

namespace cajal {

class WordLevel : public TokenModel {
 public:
  WordLevel(Vocabulary vocabulary, std::optional<TokenId> unknown);

  const Vocabulary& vocabulary() const override { return vocabulary_; }
  /// Throws InvalidArgument if a piece is unknown and there is no token for that.
  void tokens(std::string_view text, ByteRange piece, std::vector<ModelToken>& out) const override;
  std::string_view name() const override { return "WordLevel"; }

 private:
  Vocabulary vocabulary_;
  std::optional<TokenId> unknown_;
};

}  // namespace cajal
