// Tokens as users name and see them.
#pragma once

#include <string>

#include "service/session.h"

namespace cajal {

/// As a reader sees it in a text; its piece where that is nothing (special tokens), "#12" without
/// tokenizer.
std::string text_of_token(const Session& session, TokenId id);

/// The same as it stands in a text: words and names that are joined by blanks have theirs in front.
std::string text_in_prompt(const Session& session, TokenId id);

/// "#12", or a text that is one token: with what the tokenizer makes of it in the middle of a text,
/// or as the vocabulary spells it. Throws NotFound, saying what the text is made of and which token
/// is nearest; InvalidArgument for a text without tokenizer.
TokenId token_of(const Session& session, const std::string& text);

}  // namespace cajal
