#include "service/input.h"

#include "service/chat_prompt.h"

namespace cajal {
namespace {

std::vector<TokenId> encode_text(Session& session, const InputOptions& options) {
  if (!session.tokenizer) {
    fail(ErrorCode::Unsupported,
         "{}: has no tokenizer, so it cannot read text; give --ids 1,2,3 (and --vocab FILE to name "
         "them)",
         session.model->name());
  }
  const Prompt prompt = prompt_of(session.path, options, *options.text);
  return session.tokenizer->encode_ids(prompt.text, prompt.options);
}

void check_ids(std::span<const TokenId> ids, const Session& session, bool from_text) {
  const std::size_t vocab = session.model->config().vocab;
  for (const TokenId id : ids) {
    const bool known = id >= 0 && static_cast<std::size_t>(id) < vocab;
    check(known || from_text, "--ids: there is no token {} in this model; give ids from 0 to {}",
          id, vocab - 1);
    check(known,
          "{}: its tokenizer gives the id {}, but its ids are 0 to {}; take the tokenizer that "
          "belongs to the model",
          session.name, id, vocab - 1);
  }
}

}  // namespace

void check_input(const InputOptions& options) {
  check(options.text.has_value() || !options.ids.empty(),
        "nothing to read: give a text, -f FILE, - for standard input, or --ids 1,2,3");
  check(!options.text || options.ids.empty(), "give either a text or --ids, not both");
  check(!options.chat || options.text, "--chat needs a text: --ids are taken as they are");
}

Prompt prompt_of(const std::filesystem::path& model, const InputOptions& options,
                 std::string_view text) {
  if (!options.chat) {
    return {std::string(text), {.add_special_tokens = !options.no_special}};
  }
  const ChatMessage message{.role = "user", .content = std::string(text)};
  return {render_chat(model, std::span(&message, 1)), {.add_special_tokens = false}};
}

bool has_double_bos(std::span<const TokenId> ids, const SpecialIds& special) {
  return special.bos && ids.size() > 1 && ids[0] == *special.bos && ids[1] == *special.bos;
}

std::string double_bos_note() {
  return "the input begins with two BOS tokens: the text has one of its own; --no-special adds "
         "none";
}

std::vector<TokenId> input_ids(Session& session, const InputOptions& options) {
  check_input(options);
  std::vector<TokenId> ids = options.text ? encode_text(session, options) : options.ids;
  check(!ids.empty(), "the input holds no tokens; give at least one");
  check_ids(ids, session, options.text.has_value());
  if (has_double_bos(ids, session.special)) {
    session.notes.push_back(double_bos_note());
  }
  return ids;
}

}  // namespace cajal
