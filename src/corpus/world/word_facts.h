// Words of five languages: opposites, synonyms and translations, and how each language speaks about
// them. Two tasks are made of this: opposites and translations.
//
// A Chinese word stands in quotation marks, since no spaces say where it ends; other words have a
// space before them wherever they are the answer, so that each is one token.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "corpus/world/marked_form.h"
#include "corpus/world/task.h"

namespace cajal {

inline constexpr std::array<std::string_view, 5> kLanguages = {"en", "fr", "es", "de", "zh"};
inline constexpr std::size_t kEnglish = 0;
inline constexpr std::size_t kChinese = 4;
inline constexpr std::size_t kLanguageCount = kLanguages.size();

/// The place of a code ("fr") in kLanguages, or kLanguageCount.
std::size_t language_of(std::string_view code) noexcept;

/// What "large" is to "small". OppositeIn: the opposite in a language that is named.
enum class Relation : std::uint8_t { Opposite, OppositeIn, Synonym, Translation };

struct Word {
  std::size_t pair = 0;
  std::size_t side = 0;  // 0 or 1
  std::size_t language = 0;
  friend bool operator==(const Word&, const Word&) = default;
};

/// One meaning in two languages.
using TwoWords = std::pair<Word, Word>;

struct OppositePair {
  std::array<std::array<std::string, 2>, kLanguageCount> words;
  /// Empty where there is none.
  std::array<std::array<std::string, 2>, kLanguageCount> synonyms;
  /// Where the two are never opposites in training; kLanguageCount: nowhere.
  std::size_t held_out = kLanguageCount;
};

/// One sentence about a word. A synonym has the meaning of the word it is for.
struct Saying {
  std::size_t frame = 0;  // the language that speaks
  Relation relation = Relation::Opposite;
  std::size_t form = 0;
  Word word;
  Word answer;
};

class WordFacts {
 public:
  /// Throws CorruptData naming table and line.
  explicit WordFacts(const Tables& tables);

  const std::vector<OppositePair>& pairs() const noexcept { return pairs_; }
  const std::string& text(Word word) const {
    return pairs_[word.pair].words[word.language][word.side];
  }
  /// What a word means: the English word.
  const std::string& meaning(Word word) const {
    return pairs_[word.pair].words[kEnglish][word.side];
  }
  bool has_synonym(Word word) const { return !synonym(word).empty(); }
  std::size_t forms(std::size_t language, Relation relation) const {
    return forms_of(language, relation).size();
  }
  /// Whether the form can hold the saying: some have quotation marks of their own, and a sentence
  /// in Chinese is about a Chinese word.
  bool can_say(const Saying& saying) const;
  void append_saying(Document& document, const Saying& saying) const;
  bool is_chat(const Saying& saying) const { return form_of(saying).is_chat(); }
  /// Hides meaning, language and relation at the text before the answer. `form` is the saying's.
  Question question(const Saying& saying, std::string_view kind) const;
  /// Every word of the pairs as it is answered, one token each.
  std::vector<std::string> whole_words() const;
  /// The two words of each pair that is held out.
  const std::vector<std::vector<std::string>>& held_out() const noexcept { return held_out_; }
  /// Translations that training never shows: of a third of the meanings one pair of languages other
  /// than English.
  const std::vector<TwoWords>& apart() const noexcept { return apart_; }
  std::vector<std::vector<std::string>> held_out_translations() const;
  /// Whether the text holds two words that training must not hold together.
  bool leaks(std::string_view text) const;

 private:
  struct Form {
    MarkedForm own;
    MarkedForm other;  // for answers in the other script; no form: it has quotation marks
  };
  static constexpr std::size_t kRelations = 4;

  void load_pairs(const Tables& tables);
  void load_synonyms(const Tables& tables);
  void load_forms(const Tables& tables);
  void hold_translation_apart(std::size_t pair, std::size_t side);
  bool is_of_one_language(Word word) const;
  const std::string& synonym(Word word) const {
    return pairs_[word.pair].synonyms[word.language][word.side];
  }
  const std::vector<Form>& forms_of(std::size_t language, Relation relation) const {
    return forms_[language][static_cast<std::size_t>(relation)];
  }
  const MarkedForm& form_of(const Saying& saying) const;
  std::vector<Slot> slots_of(const Saying& saying) const;
  std::string fact_of(const Saying& saying) const;

  std::vector<OppositePair> pairs_;
  std::array<std::array<std::vector<Form>, kRelations>, kLanguageCount> forms_;
  std::array<std::array<std::string, kLanguageCount>, kLanguageCount> names_;  // [frame][language]
  std::vector<std::vector<std::string>> held_out_;
  std::vector<TwoWords> apart_;
};

}  // namespace cajal
