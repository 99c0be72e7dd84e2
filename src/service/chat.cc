#include "service/chat.h"

#include <algorithm>

namespace cajal {

const FieldTable<ChatRequest>& chat_fields() {
  static const FieldTable<ChatRequest> table = [] {
    auto out = model_fields<ChatRequest>();
    append(out, sampling_fields<ChatRequest>());
    return out;
  }();
  return table;
}

Chat::Chat(Session& session, ChatRequest request)
    : session_(session),
      request_(std::move(request)),
      cache_(session.model->config(), *session.backend, 1) {
  const ChatMessage probe{.role = "user", .content = "Hello"};
  encode_chat(session_, std::span(&probe, 1));  // a model that cannot chat says so at once
}

/// Leaves in the cache what `ids` begins with; at least one id is always new, so that there are
/// logits to go on from.
std::vector<TokenId> Chat::keep_common_prefix(const std::vector<TokenId>& ids) {
  const auto known = cache_.tokens(0);
  const auto first_new = std::mismatch(ids.begin(), ids.end(), known.begin(), known.end()).first;
  const auto common = std::min(static_cast<std::size_t>(first_new - ids.begin()), ids.size() - 1);
  cache_.truncate(0, common);
  return {ids.begin() + static_cast<std::ptrdiff_t>(common), ids.end()};
}

GenerateResult Chat::say(std::string text, const TextPieces& sink, std::stop_token cancel) {
  std::vector<ChatMessage> messages = history_;
  messages.push_back({.role = "user", .content = std::move(text)});
  GenerateResult result;
  result.prompt_ids = encode_chat(session_, messages);
  result.has_text = true;
  result.has_logprobs = request_.logprobs.has_value();
  GenerateOptions options = generate_options(request_);
  options.max_tokens = room_for(session_, result.prompt_ids.size(), request_.max_tokens);
  options.stop_ids = session_.special.stop;
  options.precision = session_.precision;
  options.cancel = std::move(cancel);
  options.sampling.seed += turns_;  // or every turn would draw the same numbers
  TextSink text_sink;
  if (sink) {
    text_sink = [&](std::size_t /*sequence*/, std::string_view piece) { sink(piece); };
  }
  const std::vector<TokenId> fresh = keep_common_prefix(result.prompt_ids);
  result.generation = std::move(generate(*session_.backend, *session_.model, session_.tokenizer,
                                         std::span(&fresh, 1), options, text_sink, &cache_)
                                    .front());
  messages.push_back({.role = "assistant", .content = result.generation.text});
  history_ = std::move(messages);
  ++turns_;
  return result;
}

void Chat::reset() {
  history_.clear();
  turns_ = 0;
}

Json Chat::history_json() const {
  Json out(Json::Array{});
  for (const ChatMessage& message : history_) {
    out.push_back(Json::object({{"role", message.role}, {"content", message.content}}));
  }
  return out;
}

Json turn_json(const GenerateResult& turn, const Session& session) {
  Json out = Json::object({{"role", "assistant"}});
  const Json generated = to_json(turn, session);
  for (const auto& [name, value] : generated.as_object("turn")) {
    out.set(name, value);
  }
  return out;
}

}  // namespace cajal
