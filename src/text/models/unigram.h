// Unigram language model (Kudo 2018): the segmentation with the highest sum of piece scores.
//
// Viterbi over the places where a character begins. Among equal sums the path whose last piece
// begins first wins; sums are in double, from left to right: both as the reference does it.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "text/byte_trie.h"
#include "text/models/model.h"

namespace cajal {

/// What a character that no piece covers scores below the worst piece.
inline constexpr double kUnknownPenalty = 10.0;

/// One piece of a lattice path; `id` is negative where no piece fits the character.
struct UnigramStep {
  TokenId id = 0;
  ByteRange range;
};

/// Pieces with scores, and the search.
class UnigramLattice {
 public:
  void add(std::string_view piece, TokenId id, double score);
  /// What a character that no piece covers costs.
  void set_unknown_score(double score) noexcept { unknown_score_ = score; }
  /// The best path through `text`, ranges relative to it.
  std::vector<UnigramStep> best_path(std::string_view text) const;

 private:
  ByteTrie trie_;
  std::vector<double> scores_;
  double unknown_score_ = 0;
};

struct UnigramOptions {
  std::optional<TokenId> unknown;
  bool byte_fallback = false;
};

class Unigram : public TokenModel {
 public:
  /// scores[id] for every id of the vocabulary.
  Unigram(Vocabulary vocabulary, const std::vector<double>& scores, UnigramOptions options);

  const Vocabulary& vocabulary() const override { return vocabulary_; }
  /// Throws InvalidArgument if a character is unknown and the vocabulary has no unknown token.
  void tokens(std::string_view text, ByteRange piece, std::vector<ModelToken>& out) const override;
  std::string_view name() const override { return "Unigram"; }

 private:
  void add_unknown(std::string_view text, ByteRange at, std::vector<ModelToken>& out) const;

  Vocabulary vocabulary_;
  UnigramOptions options_;
  UnigramLattice lattice_;
  std::vector<TokenId> fallback_ids_;  // of "<0x00>" to "<0xFF>"; -1 where there is none
};

}  // namespace cajal
