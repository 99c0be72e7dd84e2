#include "service/target_token.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/closest.h"
#include "base/error.h"
#include "base/whole_number.h"

namespace cajal {
namespace {

std::vector<std::string> token_texts(const Session& session) {
  std::vector<std::string> out;
  for (std::size_t id = 0; id < session.model->config().vocab; ++id) {
    out.push_back(text_of_token(session, static_cast<TokenId>(id)));
  }
  return out;
}

}  // namespace

std::string text_of_token(const Session& session, TokenId id) {
  if (session.tokenizer == nullptr) {
    return fmt::format("#{}", id);
  }
  const std::string text = session.tokenizer->decode(std::span(&id, 1), SkipSpecial::No);
  return text.empty() ? piece_text(session.tokenizer.get(), id) : text;
}

TokenId token_of(const Session& session, const std::string& text) {
  const std::size_t vocab = session.model->config().vocab;
  if (text.size() > 1 && text.front() == '#') {
    if (const auto id = whole_number(std::string_view(text).substr(1)); id && *id < vocab) {
      return static_cast<TokenId>(*id);
    }
  }
  check(session.tokenizer != nullptr,
        "the target '{}' needs a tokenizer, which this model lacks: give an id, as #12", text);
  if (const auto id = session.tokenizer->id_of(text)) {
    return *id;
  }
  check(!session.names_only, "there is no token '{}': give its name or its id, as #12", text);
  const Encoding encoding =
      session.tokenizer->encode(text, {.add_special_tokens = false, .special_as_text = true});
  const bool one = encoding.ids.size() == 1;
  if (one && session.tokenizer->decode(encoding.ids, SkipSpecial::No) == text) {
    return encoding.ids.front();
  }
  std::string parts;
  for (std::size_t i = 0; i < std::min<std::size_t>(encoding.ids.size(), 8); ++i) {
    parts += fmt::format("{}'{}'", i == 0 ? "" : ", ", encoding.pieces[i]);
  }
  fail(ErrorCode::NotFound,
       "the target '{}' is no token of this model, which reads it as {} ({}); the nearest is '{}' "
       "(an id may be given as #12)",
       text, encoding.ids.size(), parts, closest(text, token_texts(session)));
}

}  // namespace cajal
