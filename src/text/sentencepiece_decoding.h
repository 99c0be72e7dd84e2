// From the ids of a SentencePiece model back to text.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "text/sentencepiece_model.h"
#include "text/tokenizer.h"

namespace cajal {

/// "▁" stands for a space.
inline constexpr std::string_view kSentencePieceSpace = "\u2581";

std::string with_spaces(std::string_view piece);

/// What SentencePieceProcessor::Decode does, token by token. `model` must outlive it.
std::unique_ptr<Decoding> start_sentencepiece_decoding(const SentencePieceModel& model,
                                                       SkipSpecial skip);

}  // namespace cajal
