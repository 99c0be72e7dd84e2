#include "service/target_token.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/closest.h"
#include "base/error.h"
#include "base/utf8.h"
#include "base/whole_number.h"

namespace cajal {
namespace {

std::vector<std::string> token_texts(const Session& session) {
  const std::size_t vocab = session.model->config().vocab;
  std::vector<std::string> out;
  out.reserve(vocab);
  for (std::size_t id = 0; id < vocab; ++id) {
    out.push_back(text_of_token(session, static_cast<TokenId>(id)));
  }
  return out;
}

/// What it decodes to by itself, or its piece.
std::string text_alone(const Session& session, TokenId id) {
  const std::string text = session.tokenizer->decode(std::span(&id, 1), SkipSpecial::No);
  return text.empty() ? piece_text(session.tokenizer.get(), id) : text;
}

}  // namespace

std::string text_in_prompt(const Session& session, TokenId id) {
  if (session.tokenizer == nullptr) {
    return fmt::format("#{}", id);
  }
  const std::string bytes = session.tokenizer->bytes_of(id);
  const bool as_it_is = !session.tokenizer->is_special(id) && !bytes.empty();
  return as_it_is && is_valid_utf8(bytes) ? bytes : text_alone(session, id);
}

std::string text_of_token(const Session& session, TokenId id) {
  if (session.tokenizer == nullptr) {
    return fmt::format("#{}", id);
  }
  // SentencePiece drops the blank of a first token, and this one may stand anywhere.
  if (session.tokenizer->piece(id).starts_with("\u2581") && !session.tokenizer->is_special(id)) {
    return text_in_prompt(session, id);
  }
  return text_alone(session, id);
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
  for (std::size_t id = 0; id < vocab; ++id) {  // as it stands in a text: " the" for "▁the"
    if (session.tokenizer->bytes_of(static_cast<TokenId>(id)) == text) {
      return static_cast<TokenId>(id);
    }
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
