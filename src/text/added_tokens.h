// Tokens that are found in the text before it is cut: control tokens, and words people added.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "text/aligned_text.h"
#include "text/byte_trie.h"
#include "text/normalizers.h"
#include "text/tokenizer.h"

namespace cajal {

/// A stretch of a text: an added token, or what lies between two.
struct AddedPart {
  ByteRange range;
  std::optional<TokenId> token;
};

class AddedTokens {
 public:
  AddedTokens() = default;
  /// Tokens that are matched after normalisation have their own content normalised as well.
  AddedTokens(std::vector<AddedToken> tokens, const Normalizer* normalizer);

  enum class Stage : std::uint8_t { AsGiven, Normalized };
  /// Cuts `text` at the tokens of one stage, covering all of it.
  std::vector<AddedPart> split(std::string_view text, Stage stage, bool special_as_text) const;

  const std::vector<AddedToken>& all() const noexcept { return tokens_; }
  /// nullptr if `id` is not an added token.
  const AddedToken* find(TokenId id) const;
  std::optional<TokenId> id_of(std::string_view content) const;
  /// As it is matched and decoded: the content, normalised where that is so. `id` is an added
  /// token.
  std::string_view spelling(TokenId id) const { return spellings_[by_id_.at(id)]; }

 private:
  struct Index {
    ByteTrie trie;
    std::array<bool, 256> starts{};  // bytes that some content begins with
    bool empty = true;
  };
  bool allowed(const AddedToken& token, std::string_view text, ByteRange match,
               bool special_as_text) const;
  std::vector<AddedToken> tokens_;
  std::vector<std::string> spellings_;
  std::unordered_map<TokenId, std::size_t> by_id_;
  std::unordered_map<std::string, TokenId> by_content_;
  Index as_given_;
  Index normalized_;
};

}  // namespace cajal
