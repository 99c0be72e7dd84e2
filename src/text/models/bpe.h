// Byte-pair encoding, over characters or over bytes.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "text/models/merges.h"
#include "text/models/model.h"
#include "text/models/piece_cache.h"

namespace cajal {

/// What a piece is first cut into.
enum class BpeUnits : std::uint8_t {
  Characters,
  Bytes  // the vocabulary is spelled in the byte-level alphabet, the text is not
};

struct BpeMerge {
  TokenId left = 0;
  TokenId right = 0;
  TokenId result = 0;
  std::uint32_t rank = 0;  // lower goes first; among equals the one further left
};

struct BpeOptions {
  BpeUnits units = BpeUnits::Characters;
  std::optional<TokenId> unknown;  // without one, characters that are not in the vocabulary vanish
  bool fuse_unknown = false;       // unknown neighbours are one token
  bool byte_fallback = false;      // an unknown character becomes "<0xE4>" for each of its bytes
  bool ignore_merges = false;      // a whole piece that is in the vocabulary is one token
  std::string continuing_prefix;   // stands before every character of a piece but the first
  std::string end_suffix;          // stands behind the last character of a piece
};

class Bpe : public TokenModel {
 public:
  /// Of two merges of the same pair the later one counts.
  Bpe(Vocabulary vocabulary, const std::vector<BpeMerge>& merges, BpeOptions options);

  BpeUnits units() const noexcept { return options_.units; }
  const Vocabulary& vocabulary() const override { return vocabulary_; }
  void tokens(std::string_view text, ByteRange piece, std::vector<ModelToken>& out) const override;
  void ids(std::string_view text, std::span<const ByteRange> pieces,
           std::vector<TokenId>& out) const override;
  std::string_view name() const override { return "BPE"; }

 private:
  void index_bytes();
  bool find_word_borders() const;
  void piece_ids(std::string_view piece, PieceCache& cache, std::vector<Symbol>& scratch,
                 std::vector<TokenId>& out) const;
  void merge_piece(std::string_view piece, std::vector<Symbol>& symbols) const;
  std::optional<TokenId> whole_piece(std::string_view piece) const;
  void split_bytes(std::string_view piece, std::vector<Symbol>& symbols) const;
  void split_characters(std::string_view piece, std::vector<Symbol>& symbols) const;
  bool add_byte_tokens(std::string_view piece, ByteRange at, std::vector<Symbol>& symbols) const;
  template <typename Visit>
  void for_each_word(std::string_view text, ByteRange piece, const Visit& visit) const;

  Vocabulary vocabulary_;
  BpeOptions options_;
  MergeTable merges_;
  Vocabulary raw_;                           // with Bytes and ignore_merges: keyed by the bytes
  std::array<TokenId, 256> byte_ids_{};      // with Bytes: of each byte, or -1
  std::array<TokenId, 256> fallback_ids_{};  // with byte_fallback: of "<0x00>" to "<0xFF>", or -1
  bool cut_before_words_ = false;            // no token crosses from a character to a "▁"
  mutable PieceCachePool caches_;
};

}  // namespace cajal
