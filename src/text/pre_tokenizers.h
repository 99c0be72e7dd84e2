// The "pre_tokenizer" of a tokenizer.json: cuts the text into the pieces that the model sees.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "io/json.h"
#include "text/aligned_text.h"

namespace cajal {

/// A text and the pieces it is cut into so far: not empty, from left to right, gaps allowed.
struct PreTokenized {
  AlignedText text;
  std::vector<ByteRange> pieces;
  bool at_start = false;  // the text begins where the whole input does
};

/// What becomes of the matches of a pattern.
enum class SplitBehavior : std::uint8_t {
  Removed,
  Isolated,
  MergedWithPrevious,
  MergedWithNext,
  Contiguous
};

class PreTokenizer {
 public:
  PreTokenizer() = default;
  PreTokenizer(const PreTokenizer&) = delete;
  PreTokenizer& operator=(const PreTokenizer&) = delete;
  virtual ~PreTokenizer() = default;
  virtual void apply(PreTokenized& text) const = 0;
};

/// How ByteLevel leaves its bytes: written in its alphabet, or as they are, where the model reads
/// bytes itself.
enum class ByteSpelling : std::uint8_t { Alphabet, Raw };

/// Null for a JSON null. `last`: how a ByteLevel that comes last of all leaves its bytes. Throws
/// Unsupported naming a type that is not known, CorruptData for a wrong field.
std::unique_ptr<const PreTokenizer> make_pre_tokenizer(const Json& json, std::string_view where,
                                                       ByteSpelling last = ByteSpelling::Alphabet);
/// Whether a ByteLevel comes last of all.
bool ends_in_byte_level(const Json& json);

}  // namespace cajal
