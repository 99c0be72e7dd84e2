#include "service/chat_prompt.h"

#include "io/gguf.h"
#include "text/chat_template.h"

namespace cajal {
namespace {

/// The text of the token that a GGUF file names under `key`, as `name`.
void add_special(SpecialTokens& out, const Gguf& file, std::string_view key,
                 const std::string& name) {
  const auto pieces = file.find_strings("tokenizer.ggml.tokens");
  const auto id = file.find_int(key);
  if (id && pieces && *id >= 0 && static_cast<std::size_t>(*id) < pieces->size()) {
    out.emplace_back(name, (*pieces)[static_cast<std::size_t>(*id)]);
  }
}

std::optional<ChatTemplate> template_of_gguf(const std::filesystem::path& path) {
  const auto file = Gguf::open(path);
  const auto source = file->find_string("tokenizer.chat_template");
  if (!source) {
    return std::nullopt;
  }
  SpecialTokens special;
  add_special(special, *file, "tokenizer.ggml.bos_token_id", "bos_token");
  add_special(special, *file, "tokenizer.ggml.eos_token_id", "eos_token");
  add_special(special, *file, "tokenizer.ggml.unknown_token_id", "unk_token");
  add_special(special, *file, "tokenizer.ggml.padding_token_id", "pad_token");
  return ChatTemplate(std::string(*source), std::move(special),
                      fmt::format("{}: tokenizer.chat_template", path.string()));
}

Json json_of(std::span<const ChatMessage> messages) {
  Json out(Json::Array{});
  for (const ChatMessage& message : messages) {
    out.push_back(Json::object({{"role", message.role}, {"content", message.content}}));
  }
  return out;
}

}  // namespace

std::string render_chat(const std::filesystem::path& model, std::span<const ChatMessage> messages) {
  const auto chat =
      model.extension() == ".gguf" ? template_of_gguf(model) : load_chat_template(model);
  if (!chat) {
    fail(ErrorCode::Unsupported,
         "{}: has no chat template, so it was hardly trained to chat; use generate without --chat",
         model.string());
  }
  ChatOptions options;
  options.add_generation_prompt = true;
  return chat->render(json_of(messages), options).text;
}

std::vector<TokenId> encode_chat(const Session& session, std::span<const ChatMessage> messages) {
  if (!session.tokenizer || session.names_only) {
    fail(ErrorCode::Unsupported, "{}: has no tokenizer, so it cannot chat", session.model->name());
  }
  return session.tokenizer->encode_ids(render_chat(session.path, messages),
                                       {.add_special_tokens = false});
}

}  // namespace cajal
