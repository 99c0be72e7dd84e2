// Pre-tokenizers that write the text anew: spaces as "▁", bytes as letters.
#pragma once

#include <cstdint>
#include <memory>

#include "text/pre_tokenizers.h"

namespace cajal {

enum class PrependScheme : std::uint8_t { Always, Never, First };

/// SentencePiece's way: spaces become `replacement`, one is put in front, and pieces begin with it.
std::unique_ptr<const PreTokenizer> make_metaspace(char32_t replacement, PrependScheme scheme,
                                                   bool split);
/// GPT-2's way. `use_regex`: cut by its pattern first.
std::unique_ptr<const PreTokenizer> make_byte_level(bool add_prefix_space, bool use_regex,
                                                    ByteSpelling spelling);

}  // namespace cajal
