// A conversation with a model: its history, and one answer at a time.
#pragma once

#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "model/kv_cache.h"
#include "service/chat_prompt.h"
#include "service/generate.h"

namespace cajal {

struct ChatRequest : ModelOptions, SamplingFields {};

const FieldTable<ChatRequest>& chat_fields();

/// One conversation; keeps the keys and values of what was said, so that a turn costs only what is
/// new. Not for two threads at once. `session` must outlive it.
class Chat {
 public:
  /// Throws Unsupported if the model has no tokenizer or no chat template.
  Chat(Session& session, ChatRequest request);

  /// The model's answer to `text`; the turn ends on any stop id. Both join the history, unless
  /// something is thrown (then it is as before).
  GenerateResult say(std::string text, const TextPieces& sink = nullptr,
                     std::stop_token cancel = {});
  void reset();
  const std::vector<ChatMessage>& history() const noexcept { return history_; }
  /// [{"role", "content"}, ...]
  Json history_json() const;

 private:
  std::vector<TokenId> keep_common_prefix(const std::vector<TokenId>& ids);

  Session& session_;
  ChatRequest request_;
  std::vector<ChatMessage> history_;
  KvCache cache_;
  std::size_t turns_ = 0;
};

/// {"role": "assistant", "text", "prompt_ids", "ids", "finish", "logprobs"}
Json turn_json(const GenerateResult& turn, const Session& session);

}  // namespace cajal
