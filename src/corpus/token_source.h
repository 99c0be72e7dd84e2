// Documents as token ids: what training reads.
//
// A document is <bos>, its text, <eos>, and at most as long as the model's context; a longer text
// is cut into several that begin with <bos> each, of which the last ends with <eos>.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "text/tokenizer.h"

namespace cajal {

/// Immutable; any thread may read.
class TokenSource {
 public:
  virtual ~TokenSource() = default;
  /// In one epoch; nullopt: there is no end of them, and no need to shuffle.
  virtual std::optional<std::size_t> documents() const = 0;
  /// The ids of document `index`, which replace those in `out`.
  virtual void read(std::uint64_t index, std::vector<TokenId>& out) const = 0;
};

/// How a text becomes a document.
struct Framing {
  TokenId bos = 0;
  TokenId eos = 0;
  std::size_t context = 0;  // at least 3
};

/// Texts tokenized beforehand.
class TokenizedTexts : public TokenSource {
 public:
  explicit TokenizedTexts(Framing framing) : framing_(framing) {}

  /// Appends a text as one document or several. A text without tokens adds none.
  void add(const Tokenizer& tokenizer, std::string_view text);
  /// Appends ids that are a document as they stand.
  void add_document(std::span<const TokenId> ids);
  /// Takes away the last `count` documents, as a source of their own.
  TokenizedTexts split_off(std::size_t count);

  std::optional<std::size_t> documents() const override { return starts_.size() - 1; }
  void read(std::uint64_t index, std::vector<TokenId>& out) const override;
  std::size_t tokens() const noexcept { return ids_.size(); }

 private:
  Framing framing_;
  std::vector<TokenId> ids_;
  std::vector<std::size_t> starts_ = {0};  // [documents + 1]
};

/// `ids` as documents, appended to `out`.
std::vector<std::vector<TokenId>> framed(std::span<const TokenId> ids, const Framing& framing);

}  // namespace cajal
