// From what the user gives (text, a message, ids) to the ids a model reads.
#pragma once

#include <span>
#include <vector>

#include "service/session.h"

namespace cajal {

/// Text gets what the tokenizer's post-processor adds (nothing with no_special); with `chat` it
/// becomes a user's message in the chat template, and the rendered text gets nothing more; ids stay
/// as they are. Two BOS in a row are noted in the session. Throws InvalidArgument unless exactly
/// one of text and ids is given, if nothing comes of it, or for ids that the model lacks;
/// Unsupported without a tokenizer.
std::vector<TokenId> input_ids(Session& session, const InputOptions& options);

/// What the tokenizer is to read of one text: with --chat the rendered template, which gets nothing
/// more. `model` is the model's folder or GGUF file.
struct Prompt {
  std::string text;
  EncodeOptions options;
};
Prompt prompt_of(const std::filesystem::path& model, const InputOptions& options,
                 std::string_view text);

/// Whether the ids begin with two BOS.
bool has_double_bos(std::span<const TokenId> ids, const SpecialIds& special);

/// What to tell the user then.
std::string double_bos_note();

/// Throws InvalidArgument unless exactly one of text and ids is given (for --chat, a text).
void check_input(const InputOptions& options);

}  // namespace cajal
