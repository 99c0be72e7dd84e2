// Conversations as text and ids, through the model's own chat template.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "service/session.h"

namespace cajal {

struct ChatMessage {
  std::string role;  // "user", "assistant", "system"
  std::string content;
};

/// The messages and the beginning of the model's answer, as the template of the folder or GGUF file
/// writes them. Throws Unsupported if there is no template, and what the template throws.
std::string render_chat(const std::filesystem::path& model, std::span<const ChatMessage> messages);

/// The ids of render_chat: nothing is added to what the template gives. Throws Unsupported if there
/// is no tokenizer.
std::vector<TokenId> encode_chat(const Session& session, std::span<const ChatMessage> messages);

}  // namespace cajal
