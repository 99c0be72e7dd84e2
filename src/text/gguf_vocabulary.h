// The vocabulary inside a GGUF file.
//
// The file names its pre-tokenizer by a word (tokenizer.ggml.pre) that stands for regular
// expressions, and for NFC and ignore_merges, which it does not name at all.
#pragma once

#include <memory>

#include "io/gguf.h"
#include "text/tokenizer.h"

namespace cajal {

/// Throws NotFound if the file has no vocabulary, CorruptData naming the key, Unsupported for a
/// model or pre-tokenizer that is not known, listing those that are.
std::shared_ptr<const Tokenizer> read_gguf_vocabulary(const Gguf& gguf);

}  // namespace cajal
