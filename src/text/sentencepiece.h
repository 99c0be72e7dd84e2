// SentencePiece tokenizers from their own .model files.
//
// Written out here instead of calling the library: Debian's 0.1.97 breaks ties otherwise than the
// releases models are made with, and it trusts the file. It serves the tests for comparison.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "text/sentencepiece_model.h"
#include "text/tokenizer.h"

namespace cajal {

/// What encode() adds with add_special_tokens.
struct AddedEnds {
  bool bos = true;
  bool eos = false;
};

/// `where` names the file in errors and in description().
std::shared_ptr<const Tokenizer> make_sentencepiece_tokenizer(SentencePieceModel model,
                                                              AddedEnds ends,
                                                              std::string_view where);

}  // namespace cajal
