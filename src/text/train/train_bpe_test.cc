#include "text/train/train_bpe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "testing/files.h"
#include "text/tokenizer_json.h"

namespace cajal {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::string_view kText =
    "The state containing Dallas is Texas.\nThe state containing Oakland is California.\n"
    "No, Oakville and Newland are towns; Oakland and Newville are too.\n"
    "The house is small, the mouse is smaller. 36+59=95\nIn 1959 it was 135 or 1905.\n";

TrainedBpe train(BpeRecipe recipe, std::string_view text = kText) {
  BpeTrainer trainer(std::move(recipe));
  for (int i = 0; i < 20; ++i) {
    trainer.add(text);
  }
  return trainer.train();
}

std::shared_ptr<const Tokenizer> tokenizer_of(const TrainedBpe& bpe) {
  const std::string text = to_tokenizer_json(bpe).dump(1);
  return read_tokenizer_json(Json::parse(text, "tokenizer.json"), "tokenizer.json", text.size());
}

/// What each token of the text says, without the first (<bos>).
std::vector<std::string> texts(const Tokenizer& tokenizer, std::string_view text) {
  std::vector<std::string> out;
  const std::vector<TokenId> ids = tokenizer.encode_ids(text);
  for (std::size_t i = 1; i < ids.size(); ++i) {
    out.push_back(tokenizer.bytes_of(ids[i]));
  }
  return out;
}

TEST(TrainBpe, GivesSpecialTokensTheFirstIds) {
  const auto tokenizer = tokenizer_of(train({.vocab = 600}));
  EXPECT_EQ(tokenizer->id_of("<pad>"), 0);
  EXPECT_EQ(tokenizer->encode_ids("Human: a").front(), 1);
  EXPECT_EQ(tokenizer->encode_ids("Human: a").at(1), 3);
  EXPECT_TRUE(tokenizer->is_special(4));
}

TEST(TrainBpe, MakesNumbersBelow200AndPairsOfDigitsSingleTokens) {
  const auto tokenizer = tokenizer_of(train({.vocab = 600}));
  EXPECT_THAT(texts(*tokenizer, "36+59=95"), ElementsAre("36", "+", "59", "=", "95"));
  EXPECT_THAT(texts(*tokenizer, "1959"), ElementsAre("19", "59"));
  EXPECT_THAT(texts(*tokenizer, "1905"), ElementsAre("19", "05"));
  EXPECT_THAT(texts(*tokenizer, " 7 99 100 199 200 12345"),
              ElementsAre(" ", "7", " ", "99", " ", "100", " ", "199", " ", "20", "0", " ", "12",
                          "34", "5"));
  for (int n = 0; n < 200; ++n) {
    EXPECT_EQ(texts(*tokenizer, std::to_string(n)).size(), 1U) << n;
  }
}

TEST(TrainBpe, KeepsEachNewlineAlone) {
  const auto tokenizer = tokenizer_of(train({.vocab = 600}));
  EXPECT_THAT(texts(*tokenizer, "i.\n\n i"), ElementsAre("i", ".", "\n", "\n", " i"));
}

TEST(TrainBpe, MakesChosenWordsWholeWithAndWithoutTheirSpace) {
  const auto bpe = train({.vocab = 480, .whole = {"Texas", " California", "Dallas"}});
  const auto tokenizer = tokenizer_of(bpe);
  EXPECT_THAT(texts(*tokenizer, " Texas"), ElementsAre(" Texas"));
  EXPECT_THAT(texts(*tokenizer, " California"), ElementsAre(" California"));
  EXPECT_GT(texts(*tokenizer, "Texas").size(), 1U) << "the text never begins a line with it";
}

TEST(TrainBpe, SpellsNamesInPiecesThatOthersShare) {
  const auto tokenizer = tokenizer_of(
      train({.vocab = 1000, .spelled = {"Dallas", "Oakland", "Oakville", "Newland", "Newville"}}));
  EXPECT_THAT(texts(*tokenizer, " Oakland"), ElementsAre(" Oak", "land"));
  EXPECT_THAT(texts(*tokenizer, " Newville"), ElementsAre(" New", "ville"));
  EXPECT_GT(texts(*tokenizer, " Dallas").size(), 2U) << "nothing shares more with it";
  EXPECT_THAT(texts(*tokenizer, " containing"), ElementsAre(" containing"));
}

TEST(WordsToSpell, LeavesWordsThatManyNamesShare) {
  EXPECT_THAT(words_to_spell({"San Jose", "San Diego", "San Antonio", "Dallas"}),
              ElementsAre("Antonio", "Dallas", "Diego", "Jose"));
}

TEST(TrainBpe, NeverJoinsWords) {
  const auto bpe = train({.vocab = 1000});
  for (std::size_t id = bpe.special.size(); id < bpe.pieces.size(); ++id) {
    const std::string& piece = bpe.pieces.bytes(static_cast<TokenId>(id));
    EXPECT_EQ(piece.find(' ', 1), std::string::npos) << piece;
  }
}

TEST(TrainBpe, GivesTheSameForAnyOrderOfTheTexts) {
  BpeTrainer one({.vocab = 500});
  BpeTrainer other({.vocab = 500});
  one.add("one two three two");
  one.add("two threes");
  other.add("two threes");
  other.add("one two three two");
  EXPECT_EQ(to_tokenizer_json(one.train()).dump(), to_tokenizer_json(other.train()).dump());
}

TEST(TrainBpe, CutsHanCharactersApartUnlessTheyAreAChosenWord) {
  const auto tokenizer = tokenizer_of(
      train({.vocab = 700, .whole = {"长城", "大"}}, "“小”的反义词是“大”。长城在中国。"));
  EXPECT_THAT(texts(*tokenizer, "小的大"), ElementsAre("小", "的", "大"));
  EXPECT_THAT(texts(*tokenizer, "在长城"), ElementsAre("在", "长城"));
}

TEST(TrainBpe, GivesAnyTextBack) {
  const auto tokenizer = tokenizer_of(train({.vocab = 600}));
  const std::string text =
      " Ärger\t it's  42\r\n\x01 日本 e\xCC\x81 \xF0\x9F\x98\x80 it'sound\n \n";
  EXPECT_EQ(tokenizer->decode(tokenizer->encode_ids(text)), text);
}

TEST(TrainBpe, TakesWordsOfAnyLength) {
  std::string text;  // letters of a genome, without a space
  for (unsigned i = 0, state = 1; i < 60'000; ++i) {
    state = state * 1664525U + 1013904223U;
    text += "ACGT"[state >> 30U];
  }
  BpeTrainer trainer({.vocab = 480});
  trainer.add(text);
  const auto tokenizer = tokenizer_of(trainer.train());
  EXPECT_EQ(tokenizer->vocab_size(), 480);
  EXPECT_EQ(tokenizer->decode(tokenizer->encode_ids(text)), text);
}

TEST(TrainBpe, SaysWhenTheVocabularyIsTooSmall) {
  const auto thrown = testing::thrown_by([] { train({.vocab = 300}); });
  EXPECT_EQ(thrown.code, ErrorCode::InvalidArgument);
  EXPECT_THAT(thrown.message, HasSubstr("a vocabulary of 300 is too small"));
  EXPECT_THAT(thrown.message, HasSubstr("need 461"));
}

TEST(TrainBpe, RefusesAWholeWordThatTheTextIsCutIn) {
  EXPECT_THAT(testing::thrown_by([] { BpeTrainer({.whole = {"New York"}}); }).message,
              HasSubstr("'New York'"));
  EXPECT_THAT(testing::thrown_by([] { BpeTrainer({.special = {"a b"}}); }).message,
              HasSubstr("'a b'"));
}

}  // namespace
}  // namespace cajal
