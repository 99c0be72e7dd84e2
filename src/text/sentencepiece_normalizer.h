// SentencePiece's normaliser: character map, spaces as "▁", with the place each byte came from.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "text/byte_trie.h"
#include "text/charsmap.h"
#include "text/sentencepiece_model.h"

namespace cajal {

struct NormalizedPieces {
  std::string text;
  std::vector<std::size_t> origin;  // of each byte of `text`, and of its end: a place in the input
};

class SentencePieceNormalizer {
 public:
  /// Keeps what it needs of `model`. Throws CorruptData naming `where`.
  SentencePieceNormalizer(const SentencePieceModel& model, std::string_view where);
  /// Each byte of broken UTF-8 becomes U+FFFD. Throws ResourceExhausted if the map expands the text
  /// far more than real ones do.
  NormalizedPieces apply(std::string_view text) const;
  /// User-defined pieces: longest match at the beginning of a text.
  ByteTrie::Match user_defined(std::string_view text) const { return user_defined_.longest(text); }

 private:
  struct Step {
    std::string_view replacement;
    std::size_t length = 0;  // of the input it stands for
  };
  Step step(std::string_view text) const;
  void append(NormalizedPieces& out, std::string_view text, std::size_t origin) const;
  void append_space(NormalizedPieces& out, std::size_t origin) const;
  void drop_trailing_spaces(NormalizedPieces& out, std::size_t& consumed) const;

  Charsmap charsmap_;
  ByteTrie user_defined_;
  bool add_dummy_prefix_;
  bool remove_extra_spaces_;
  bool space_is_suffix_;
  std::string space_;  // "▁", or " " without escaping
};

}  // namespace cajal
