#include "activations/token_batches.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "text/tokenizer_json.h"
#include "text/train/train_bpe.h"

namespace cajal {
namespace {

using ::testing::ElementsAre;

std::shared_ptr<const Tokenizer> tokenizer() {
  BpeTrainer trainer({.vocab = 464, .whole = {"Dallas"}});
  trainer.add("The state containing Dallas is Texas.");
  const std::string text = to_tokenizer_json(trainer.train()).dump();
  return read_tokenizer_json(Json::parse(text, "t"), "t", text.size());
}

std::vector<Document> documents(std::initializer_list<const char*> texts) {
  std::vector<Document> out;
  for (const char* text : texts) {
    out.push_back({.text = text, .spans = {}});
  }
  return out;
}

TEST(TokenBatches, ADocumentBeginsWithBosAndPredictsItsOwnTokensOnly) {
  const auto t = tokenizer();
  const auto docs = documents({"ab", "c"});
  TokenBatches batches(*t, source_of(docs), {.bos = 1});
  const auto batch = batches.next();
  ASSERT_TRUE(batch);
  EXPECT_THAT(batch->starts, ElementsAre(0, 3, 5));
  EXPECT_EQ(batch->tokens[0], 1);
  EXPECT_EQ(batch->tokens[3], 1);
  EXPECT_THAT(batch->targets,
              ElementsAre(batch->tokens[1], batch->tokens[2], -1, batch->tokens[4], -1));
  EXPECT_EQ(batch->offsets[2], (TokenSpan{1, 2}));
  EXPECT_EQ(batch->document_of(batch->sequences[1]).text, "c");
  EXPECT_FALSE(batches.next());
}

TEST(TokenBatches, ALongTextBecomesSeveralSequences) {
  const auto t = tokenizer();
  const auto docs = documents({"", "abcdefg"});
  TokenBatches batches(*t, source_of(docs), {.bos = 1, .context = 4, .batch = 8});
  const auto first = batches.next();
  EXPECT_THAT(first->starts, ElementsAre(0, 4, 8));
  const auto second = batches.next();
  EXPECT_THAT(second->starts, ElementsAre(0, 2));
  EXPECT_EQ(second->document_of(second->sequences[0]).text, "abcdefg");
  EXPECT_EQ(second->offsets[1], (TokenSpan{6, 7}));
  EXPECT_FALSE(batches.next());
}

TEST(TokenBatches, EndsAtTheSequenceThatReachesTheLimitAndBeginsAgain) {
  const auto t = tokenizer();
  const auto docs = documents({"ab", "cd", "ef"});
  TokenBatches batches(*t, source_of(docs), {.batch = 2, .tokens = 3});
  std::size_t count = 0;
  while (batches.next()) {
    ++count;
  }
  EXPECT_EQ(count, 2U);
  batches.rewind();
  EXPECT_EQ(batches.next()->sequences[0].document, 0U);
}

TEST(TokenBatches, OneLongTextEndsAtTheLimitToo) {
  const auto t = tokenizer();
  const auto docs = documents({"abcdefghijklmnopqrstuvwxyz"});
  TokenBatches batches(*t, source_of(docs), {.context = 4, .batch = 8, .tokens = 6});
  EXPECT_EQ(batches.next()->tokens.size(), 8U);
  EXPECT_FALSE(batches.next());
}

TEST(TokenBatches, GoOnFromAnyPositionWithTheSameBatches) {
  const auto t = tokenizer();
  const auto docs = documents({"abc", "", "abcdefghijklmnopqrst", "uv", "w"});
  const TokenBatchOptions options = {.bos = 1, .context = 4, .batch = 8, .tokens = 30};
  TokenBatches whole(*t, source_of(docs), options);
  std::size_t count = 0;
  for (bool more = true; more; ++count) {
    TokenBatches resumed(*t, source_of(docs), options);
    resumed.restore(whole.position());
    EXPECT_EQ(resumed.position(), whole.position());
    const auto here = whole.next();
    const auto there = resumed.next();
    more = here.has_value();
    ASSERT_EQ(there.has_value(), more);
    if (more) {
      EXPECT_EQ(there->tokens, here->tokens);
      EXPECT_EQ(there->starts, here->starts);
      EXPECT_EQ(there->first_document, here->first_document);
      EXPECT_EQ(there->documents, here->documents);
      EXPECT_EQ(resumed.tokens(), whole.tokens());
    }
  }
  EXPECT_GT(count, 4U);
}

TEST(TokenBatches, DoNotGoOnInADocumentThatIsShorterNow) {
  const auto t = tokenizer();
  const auto docs = documents({"ab"});
  TokenBatches batches(*t, source_of(docs), {.bos = 1, .context = 4});
  EXPECT_THROW(batches.restore({.document = 0, .done = 3, .given = 3}), Error);
  EXPECT_THROW(batches.restore({.document = 7, .done = 3, .given = 3}), Error);
}

TEST(TokenBatches, ASpanHasTheTokensThatHoldItsBytes) {
  const auto t = tokenizer();
  const std::vector<Document> docs = {
      {.text = "in Dallas is", .spans = {{3, 9, "state", "Texas"}}}};
  TokenBatches batches(*t, source_of(docs), {.bos = 1});
  const auto batch = batches.next();
  const auto tokens = tokens_of(*batch, batch->sequences[0], docs[0].spans[0]);
  ASSERT_FALSE(tokens.empty());
  EXPECT_LT(batch->offsets[tokens.front()].begin, 9U);
  EXPECT_GE(batch->offsets[tokens.back()].end, 9U);
}

}  // namespace
}  // namespace cajal
