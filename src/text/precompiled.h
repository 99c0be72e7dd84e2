// How tokenizer.json applies a SentencePiece normalisation table: by grapheme, not by longest
// match.
#pragma once

#include <string>
#include <string_view>

#include "text/aligned_text.h"
#include "text/charsmap.h"

namespace cajal {

/// A grapheme of at most five bytes is looked up as a whole (by its shortest prefix in the table),
/// else each of its characters; what is not in the table stays.
void apply_precompiled(AlignedText& text, const Charsmap& map);

/// Puts `prefix` before a text that is not empty; it has the span of the first character.
void prepend(AlignedText& text, std::string_view prefix, std::string_view component);

/// Throws CorruptData naming `where`.
std::string decode_base64(std::string_view encoded, std::string_view where);

}  // namespace cajal
