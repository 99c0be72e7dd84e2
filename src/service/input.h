// From what the user gives (text, a message, ids) to the ids a model reads.
#pragma once

#include <span>
#include <vector>

#include "service/session.h"

namespace cajal {

/// Text gets what the tokenizer's post-processor adds (nothing with no_special); with `chat` it
/// becomes a user's message in the chat template, and the rendered text gets nothing more; ids stay
/// as they are. Two BOS in a row are noted in the session. Throws InvalidArgument unless exactly
/// one of text and ids is given, or if nothing comes of it; Unsupported without a tokenizer.
std::vector<TokenId> input_ids(Session& session, const InputOptions& options);

/// Whether the ids begin with two BOS.
bool has_double_bos(std::span<const TokenId> ids, const SpecialIds& special);

/// What to tell the user then.
std::string double_bos_note();

/// Throws InvalidArgument unless exactly one of text and ids is given.
void check_input(const InputOptions& options);

}  // namespace cajal
