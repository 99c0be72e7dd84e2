// What a SentencePiece .model file holds: a protocol buffer (ModelProto), read here by hand so that
// no byte of it is trusted.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/token.h"

namespace cajal {

enum class PieceType : std::uint8_t { Normal = 1, Unknown, Control, UserDefined, Unused, Byte };

struct SentencePieceModel {
  enum class Algorithm : std::uint8_t { Unigram = 1, Bpe, Word, Character };
  struct Piece {
    std::string text;
    double score = 0;
    PieceType type = PieceType::Normal;
  };

  std::vector<Piece> pieces;  // the id is the place
  Algorithm algorithm = Algorithm::Unigram;
  bool byte_fallback = false;
  bool space_is_suffix = false;  // "▁" ends a word instead of beginning it
  std::string unknown_surface = " \u2047 ";
  std::string charsmap;
  bool add_dummy_prefix = true;
  bool remove_extra_spaces = true;
  bool escape_spaces = true;
  std::optional<TokenId> bos;
  std::optional<TokenId> eos;

  /// Throws CorruptData naming `where` and the byte, Unsupported for other algorithms.
  static SentencePieceModel parse(std::string_view bytes, std::string_view where);
};

}  // namespace cajal
