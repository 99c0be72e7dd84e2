// The decoders that there are, each made from its settings; decoders.h reads these from JSON.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "text/decoders.h"
#include "text/pattern.h"

namespace cajal {

/// A run of byte tokens is UTF-8 as a whole, or one U+FFFD for each byte.
std::unique_ptr<const Decoder> byte_fallback_decoder();
/// All tokens become one.
std::unique_ptr<const Decoder> fuse_decoder();
/// Takes up to `start` and `stop` times a character off the two ends of each token.
std::unique_ptr<const Decoder> strip_decoder(char32_t content, std::size_t start, std::size_t stop);
/// Characters of the byte-level alphabet become bytes.
std::unique_ptr<const Decoder> byte_level_decoder();

std::unique_ptr<const Decoder> replace_decoder(Pattern pattern, std::string content);
/// `replacement` becomes a space, and nothing in the first token if `drop_first`.
std::unique_ptr<const Decoder> metaspace_decoder(std::string replacement, bool drop_first);
/// The end-of-word mark is a space, but not at the end.
std::unique_ptr<const Decoder> bpe_decoder(std::string suffix);
/// Spaces between tokens, except before `prefix`; `cleanup` drops those before punctuation.
std::unique_ptr<const Decoder> word_piece_decoder(std::string prefix, bool cleanup);
/// Tokens are words.
std::unique_ptr<const Decoder> spaces_decoder();

}  // namespace cajal
