#include "explain/words.h"

#include <gmock/gmock.h>

namespace cajal {
namespace {

std::vector<std::string> texts(const std::vector<std::string>& tokens) {
  std::vector<std::string> out;
  for (const PromptWord& word : words_of(tokens)) {
    out.push_back(word.text);
  }
  return out;
}

TEST(Words, PiecesOfAWordAreJoined) {
  EXPECT_THAT(texts({"<bos>", "Fact", ":", " the", " state", " containing", " D", "all", "as"}),
              ::testing::ElementsAre("<bos>", "Fact", ":", "the", "state", "containing", "Dallas"));
  const std::vector<PromptWord> words =
      words_of(std::vector<std::string>{" D", "all", "as", " is"});
  EXPECT_EQ(words[0].first, 0U);
  EXPECT_EQ(words[0].last, 2U);
  EXPECT_EQ(words[1].first, 3U);
}

TEST(Words, DigitsGoWithDigitsOnly) {
  EXPECT_THAT(texts({"36", "+", "59", "=", "19", "59", "th"}),
              ::testing::ElementsAre("36", "+", "59", "=", "1959", "th"));
}

TEST(Words, ScriptsWithoutBlanksAreNotJoined) {
  EXPECT_THAT(texts({"反", "义词", "：", "快乐"}),
              ::testing::ElementsAre("反", "义词", "：", "快乐"));
}

TEST(Words, BytesOfOneCharacterAreJoined) {
  EXPECT_THAT(texts({" \xC3", "\xA9t", "é", " au"}), ::testing::ElementsAre("été", "au"));
}

TEST(Words, ALineBreakIsAWord) {
  EXPECT_THAT(texts({"rhyme", ".", "\n", "The", ""}),
              ::testing::ElementsAre("rhyme", ".", "\n", "The", ""));
}

}  // namespace
}  // namespace cajal
