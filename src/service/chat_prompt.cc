#include "service/chat_prompt.h"

namespace cajal {

std::string render_chat(const std::filesystem::path& model,
                        std::span<const ChatMessage> /*messages*/) {
  fail(ErrorCode::Unsupported, "{}: has no chat template; use generate without --chat",
       model.string());
}

std::vector<TokenId> encode_chat(const Session& session, std::span<const ChatMessage> messages) {
  if (!session.tokenizer || session.names_only) {
    fail(ErrorCode::Unsupported, "{}: has no tokenizer, so it cannot chat", session.model->name());
  }
  return session.tokenizer->encode_ids(render_chat(session.path, messages),
                                       {.add_special_tokens = false});
}

}  // namespace cajal
