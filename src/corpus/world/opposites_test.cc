#include <algorithm>
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "corpus/world/registry.h"
#include "corpus/world/whole_words.h"
#include "corpus/world/word_facts.h"
#include "testing/files.h"

namespace cajal {
namespace {

constexpr std::uint64_t kDrawn = 20000;

const Span* find_kind(const std::vector<Span>& spans, std::string_view kind) {
  const auto found =
      std::find_if(spans.begin(), spans.end(), [&](const Span& s) { return s.kind == kind; });
  return found == spans.end() ? nullptr : &*found;
}

TEST(Opposites, NeitherTaskShowsAHeldOutPairInItsLanguage) {
  const auto opposites = make_opposites(Tables::embedded());
  const auto translations = make_translations(Tables::embedded());
  const auto groups = opposites->held_out();
  EXPECT_GE(groups.size(), 20);
  for (std::uint64_t i = 0; i < kDrawn; ++i) {
    for (const Task* task : {opposites.get(), translations.get()}) {
      const std::string text = task->generate(Split::Train, 17, i).text;
      EXPECT_FALSE(holds_any(text, groups)) << text;
    }
  }
}

TEST(Opposites, EveryHeldOutWordIsTranslatedAndItsPairShownElsewhere) {
  const WordFacts facts(Tables::embedded());
  const auto opposites = make_opposites(Tables::embedded());
  const auto translations = make_translations(Tables::embedded());
  std::map<std::string, int> facts_seen;
  for (std::uint64_t i = 0; i < kDrawn; ++i) {
    for (const Task* task : {opposites.get(), translations.get()}) {
      for (const Span& span : task->generate(Split::Train, 1, i).spans) {
        if (span.kind == "fact") {
          ++facts_seen[span.value];
        }
      }
    }
  }
  for (std::size_t p = 0; p < facts.pairs().size(); ++p) {
    for (std::size_t i = 0; i < 2 * kLanguageCount; ++i) {
      const Word word{.pair = p, .side = i % 2, .language = i / 2};
      const std::string name = std::string(kLanguages[word.language]) + " " + facts.text(word);
      const bool held_out = facts.pairs()[p].held_out == word.language;
      EXPECT_EQ(facts_seen[name + ": opposite"] > 0, !held_out) << name;
      EXPECT_GT(facts_seen[name + (word.language == kEnglish ? ": fr" : ": en")], 0) << name;
    }
  }
}

TEST(Opposites, TheAnswerIsOneTokenAndKnownRightBefore) {
  const auto task = make_opposites(Tables::embedded());
  const std::vector<std::string> whole = task->whole_words();
  for (const Question& question : task->questions(Split::Heldout)) {
    const Span* meaning = find_kind(question.hidden, "meaning");
    ASSERT_NE(meaning, nullptr);
    EXPECT_EQ(meaning->end, question.prompt.size()) << question.prompt;
    EXPECT_NE(find_kind(question.hidden, "language"), nullptr);
    EXPECT_TRUE(std::any_of(whole.begin(), whole.end(), [&](const std::string& word) {
      const std::string bare = word.front() == ' ' ? word.substr(1) : word;
      return question.answer.starts_with(word) || question.answer.starts_with(bare);
    })) << question.answer;
  }
}

TEST(Opposites, ChineseWordsStandInQuotationMarksInOtherLanguages) {
  const WordFacts facts(Tables::embedded());
  const Saying saying{.frame = kEnglish,
                      .relation = Relation::Translation,
                      .form = 0,
                      .word = {.pair = 0, .side = 0, .language = kEnglish},
                      .answer = {.pair = 0, .side = 0, .language = kChinese}};
  ASSERT_TRUE(facts.can_say(saying));
  Document document;
  facts.append_saying(document, saying);
  EXPECT_EQ(document.text, "The Chinese word for small is “小”.");
  const Span* relation = find_kind(document.spans, "relation");
  ASSERT_NE(relation, nullptr);
  EXPECT_EQ(covered(document.text, *relation), "is “");
}

TEST(Opposites, AWordInTwoPairsIsAnErrorThatNamesTheLine) {
  Tables tables = Tables::embedded();
  tables.set("opposites",
             "en_a\ten_b\tfr_a\tfr_b\tes_a\tes_b\tde_a\tde_b\tzh_a\tzh_b\theld_out\n"
             "a\tb\ta\tb\ta\tb\ta\tb\ta\tb\tfr\n"
             "c\td\tc\td\tc\td\tc\ta\tc\td\t-\n");
  const auto thrown = testing::thrown_by([&] { static_cast<void>(make_opposites(tables)); });
  EXPECT_EQ(thrown.code, ErrorCode::CorruptData);
  EXPECT_THAT(thrown.message, ::testing::HasSubstr("line 3: 'a' is there twice"));
}

TEST(WholeWords, EndAtLettersOfAnyLatinAlphabetOnly) {
  EXPECT_TRUE(holds_words("C'est l'été.", "été"));
  EXPECT_FALSE(holds_words("répétée", "été"));
  EXPECT_FALSE(holds_words("étés", "été"));
  EXPECT_TRUE(holds_words("“小”", "小"));
  EXPECT_TRUE(holds_words("« petit »", "petit"));
  EXPECT_FALSE(holds_words("petite", "petit"));
}

}  // namespace
}  // namespace cajal
