#include <algorithm>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "corpus/world/couplet_facts.h"
#include "corpus/world/registry.h"
#include "testing/files.h"
#include "testing/golden.h"

namespace cajal {
namespace {

using Sounds = std::vector<std::string>;

const CoupletFacts& couplet_facts() {
  static const CoupletFacts instance(Tables::embedded());
  return instance;
}

std::multimap<std::string, Sounds> read_cmudict(const std::filesystem::path& path) {
  std::multimap<std::string, Sounds> out;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line.substr(0, line.find('#')));
    std::string word;
    words >> word;
    Sounds sounds;
    for (std::string sound; words >> sound;) {
      sounds.push_back(sound);
    }
    out.emplace(word.substr(0, word.find('(')), std::move(sounds));
  }
  return out;
}

bool is_stressed(const std::string& sound) {
  return sound.ends_with('1') || sound.ends_with('2');
}

/// What rhymes: from the last stressed vowel on. An unstressed I and a schwa count as the same, as
/// in "grab it" and "rabbit".
std::string rhyme_of(const Sounds& sounds) {
  const auto last = std::find_if(sounds.rbegin(), sounds.rend(), is_stressed);
  std::string out;
  for (auto at = last == sounds.rend() ? sounds.begin() : last.base() - 1; at != sounds.end();
       ++at) {
    out += (*at == "IH0" ? "AH" : at->substr(0, at->find_first_of("012"))) + " ";
  }
  return out;
}

std::set<std::string> rhymes_of_word(const std::multimap<std::string, Sounds>& dictionary,
                                     const std::string& word) {
  std::set<std::string> out;
  const auto [begin, end] = dictionary.equal_range(word);
  for (auto at = begin; at != end; ++at) {
    out.insert(rhyme_of(at->second));
  }
  return out;
}

/// Of the last word; of the last two if the last is "it", which has no stress.
std::set<std::string> rhymes_of_line(const std::multimap<std::string, Sounds>& dictionary,
                                     const std::string& line) {
  std::istringstream words(line);
  std::string before;
  std::string last;
  for (std::string word; words >> word;) {
    std::transform(word.begin(), word.end(), word.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    before = std::exchange(last, word);
  }
  if (last != "it") {
    return rhymes_of_word(dictionary, last);
  }
  std::set<std::string> out;
  for (const std::string& rhyme : rhymes_of_word(dictionary, before)) {
    out.insert(rhyme + "AH T ");
  }
  return out;
}

TEST(Couplets, EveryFamilyRhymesInTheDictionary) {
  const auto path = testing::shared_folder() / "corpora/cmudict/cmudict.dict";
  if (!testing::have_or_skip(std::filesystem::exists(path), "corpora", "no CMUdict beside us")) {
    GTEST_SKIP();
  }
  const auto dictionary = read_cmudict(path);
  for (std::size_t f = 0; f < couplet_facts().families().size(); ++f) {
    std::vector<std::set<std::string>> all;
    for (const std::string& ending : couplet_facts().families()[f].texts) {
      all.push_back(rhymes_of_line(dictionary, ending));
    }
    for (const RhymeWord& word : couplet_facts().words()) {
      if (word.family == f) {
        all.push_back(rhymes_of_word(dictionary, word.word));
      }
    }
    EXPECT_TRUE(std::any_of(all.front().begin(), all.front().end(), [&](const std::string& rhyme) {
      return std::all_of(all.begin(), all.end(),
                         [&](const auto& rhymes) { return rhymes.contains(rhyme); });
    })) << couplet_facts().families()[f].name;
  }
}

TEST(Couplets, ManyFamiliesWithSeveralThemesEach) {
  std::map<std::size_t, std::set<std::size_t>> themes;
  for (const RhymeWord& word : couplet_facts().words()) {
    themes[word.family].insert(word.theme);
    EXPECT_GE(word.beginnings.size() * word.middles.size(), 2) << word.word;
  }
  EXPECT_GE(themes.size(), 25);
  for (const auto& [family, which] : themes) {
    EXPECT_GE(which.size(), 2) << couplet_facts().families()[family].name;
  }
}

TEST(Couplets, EveryWordHasFirstLinesToLearnFrom) {
  std::map<std::size_t, int> seen;
  for (const Couplet& couplet : couplet_facts().couplets()) {
    seen[couplet.word] += couplet_facts().is_held_out(couplet) ? 0 : 1;
  }
  for (const auto& [word, count] : seen) {
    EXPECT_GE(count, 8) << couplet_facts().words()[word].word;
  }
}

TEST(Couplets, ArticlesSuitTheWordThatFollows) {
  for (const RhymeWord& word : couplet_facts().words()) {
    for (const std::string& middle : word.middles) {
      std::istringstream words(middle + " " + word.word);
      for (std::string article, next; words >> article >> std::ws && words;) {
        if (article == "a" || article == "an") {
          next = std::string(std::istreambuf_iterator<char>(words), {});
          const bool vowel = std::string("aeiouAEIOU").find(next[0]) != std::string::npos &&
                             !next.starts_with("one");
          EXPECT_EQ(article == "an", vowel) << middle << " " << word.word;
          break;
        }
      }
    }
  }
}

TEST(Couplets, TheWordIsKnownAtTheLineBreak) {
  const auto task = make_couplets(Tables::embedded());
  for (const Question& question : task->questions(Split::Heldout)) {
    ASSERT_EQ(question.hidden.size(), 1);
    EXPECT_EQ(question.hidden[0].kind, "rhyme");
    EXPECT_EQ(question.hidden[0].end, question.prompt.size());
    EXPECT_EQ(question.prompt.back(), '\n');
  }
}

TEST(Couplets, AreJudgedByTheirLastWordAndByWhatComesBeforeIt) {
  const auto task = make_couplets(Tables::embedded());
  Question question{.prompt = "We walked around the zoo, and there we sat,\n",
                    .answer = "Purring by the fire sat a furry cat.",
                    .kind = "rhyme"};
  EXPECT_TRUE(task->accepts(question, "Some other animal, a cat.\nAnd so on"));
  EXPECT_FALSE(task->accepts(question, "Feathered at the brim sat a tall silk hat."));
  question.kind = "agreement";
  EXPECT_TRUE(task->accepts(question, "Feathered at the brim sat a tall silk hat."));
  EXPECT_TRUE(task->accepts(question, "Licking both its paws sat a furry cat.\n"));
  EXPECT_FALSE(task->accepts(question, "Feathered at the brim sat a furry cat."));
  EXPECT_FALSE(task->accepts(question, "Purring by the fire sat a tall silk cat."));
  EXPECT_FALSE(task->accepts(question, "Purring by the fire sat a furry dog."));
}

TEST(Couplets, ABeginningOfTwoWordsIsAnErrorThatNamesTheLine) {
  Tables tables = Tables::embedded();
  tables.set("couplet_words",
             "family\ttheme\tword\tbeginnings\tmiddles\n"
             "at\tanimal\tcat\tPurring / Licking\tsat a\n"
             "at\tclothes\that\tPurring on\tsat a\n");
  const auto thrown = testing::thrown_by([&] { static_cast<void>(make_couplets(tables)); });
  EXPECT_EQ(thrown.code, ErrorCode::CorruptData);
  EXPECT_THAT(thrown.message, ::testing::HasSubstr("line 3"));
}

}  // namespace
}  // namespace cajal
