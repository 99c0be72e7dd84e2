#include "service/target_token.h"

#include <gtest/gtest.h>

#include "testing/golden.h"

namespace cajal {
namespace {

Session session_with(const char* tokenizer) {
  Session out;
  out.tokenizer = Tokenizer::load(testing::golden_core("tokenizers") / tokenizer);
  return out;
}

TEST(TextOfToken, KeepsTheBlankThatSentencePieceWritesBeforeAWord) {
  const Session session = session_with("mistral_first");
  for (TokenId id = 0; static_cast<std::size_t>(id) < session.tokenizer->vocab_size(); ++id) {
    const std::string_view piece = session.tokenizer->piece(id);
    if (piece.starts_with("▁") && piece.find("▁", 1) == std::string_view::npos) {
      EXPECT_EQ(text_of_token(session, id).front(), ' ') << piece;
    }
  }
}

TEST(TextInPrompt, KeepsWordsApartThatAreJoinedByBlanks) {
  const Session session = session_with("wordlevel");
  std::size_t words = 0;
  for (TokenId id = 0; static_cast<std::size_t>(id) < session.tokenizer->vocab_size(); ++id) {
    const std::string text = text_of_token(session, id);
    EXPECT_NE(text.front(), ' ') << text;
    words += text_in_prompt(session, id) == " " + text ? 1U : 0U;
  }
  EXPECT_GT(words, 0U);
}

TEST(TextOfToken, IsTheIdWithoutATokenizer) {
  EXPECT_EQ(text_of_token(Session(), 12), "#12");
}

}  // namespace
}  // namespace cajal
