// Unicode normal forms as the reference library makes them: with the tables of Unicode 9.
//
// Characters newer than that have no combining class, no decomposition and no composition.
// Everything older is taken from utf8proc, whose tables agree (golden/tokenizers/unicode.json).
#pragma once

#include <cstdint>

#include "text/aligned_text.h"

namespace cajal {

enum class NormalForm : std::uint8_t { Nfc, Nfd, Nfkc, Nfkd };

/// Unicode 15.0, annex 15: decompose, reorder marks, and for C compose. Quick where nothing
/// changes.
void normalize(AlignedText& text, NormalForm form);

}  // namespace cajal
