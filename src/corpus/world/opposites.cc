// Opposites in five languages. A third of the pairs have one language in which training never shows
// them as opposites, while it translates both words and shows the pair in the other languages. Half
// of the documents ask for opposites in a named language: twenty times as many facts as there are
// meanings, so that knowing the meanings is cheaper than knowing the pairs by heart.
#include <fmt/format.h>

#include "corpus/world/registry.h"
#include "corpus/world/word_facts.h"

namespace cajal {
namespace {

Word opposite_of(Word word) {
  return {.pair = word.pair, .side = 1 - word.side, .language = word.language};
}

class Opposites final : public Task {
 public:
  explicit Opposites(const Tables& tables) : facts_(tables) {
    for (std::size_t p = 0; p < facts_.pairs().size(); ++p) {
      for (std::size_t side = 0; side < 2; ++side) {
        if (facts_.pairs()[p].held_out != kLanguageCount) {
          held_out_.push_back({.pair = p, .side = side, .language = facts_.pairs()[p].held_out});
        }
        if (facts_.has_synonym({.pair = p, .side = side, .language = kEnglish})) {
          with_synonym_.push_back({.pair = p, .side = side, .language = kEnglish});
        }
      }
    }
  }

  std::string_view name() const override { return "opposites"; }
  std::string_view summary() const override {
    return "opposites, and some synonyms, in five languages";
  }
  double weight() const override { return 2.0; }

  Document generate(Split split, std::uint64_t seed, std::uint64_t index) const override {
    Dice dice(seed, fmt::format("opposites/{}", name_of(split)), index);
    if (split == Split::Heldout) {
      Document out;
      facts_.append_saying(out, opposite(dice, dice.pick(held_out_)));
      return out;
    }
    while (true) {
      Document out = draw(dice);
      if (!facts_.leaks(out.text)) {
        return out;
      }
    }
  }

  std::vector<Question> questions(Split split) const override {
    std::vector<Question> out;
    if (split == Split::Heldout) {
      for (const Word word : held_out_) {
        for (std::size_t form = 0; form < facts_.forms(word.language, Relation::Opposite); ++form) {
          out.push_back(facts_.question(opposite_in_form(word, form), "opposite"));
        }
      }
      return out;
    }
    for (std::size_t p = 0; p < facts_.pairs().size(); ++p) {
      for (std::size_t i = 0; i < 2 * kLanguageCount; ++i) {
        const Word word{.pair = p, .side = i % 2, .language = i / 2};
        if (facts_.pairs()[p].held_out != word.language) {
          const std::size_t form = (p + i) % facts_.forms(word.language, Relation::Opposite);
          out.push_back(facts_.question(opposite_in_form(word, form), "opposite"));
        }
      }
    }
    add_synonyms(out);
    return out;
  }

  Twins twins(std::uint64_t seed, std::uint64_t index) const override {
    Dice dice(seed, "opposites/twins", index);
    switch (dice.below(3)) {
      case 0:
        return meaning_twins(dice);
      case 1:
        return language_twins(dice);
      default:
        return relation_twins(dice);
    }
  }

  std::vector<std::string> whole_words() const override { return facts_.whole_words(); }
  std::vector<std::vector<std::string>> held_out() const override { return facts_.held_out(); }
  std::vector<Aim> aims() const override { return {{.kind = "opposite", .at_least = 0.85}}; }

 private:
  static Saying opposite_in_form(Word word, std::size_t form) {
    return {.frame = word.language,
            .relation = Relation::Opposite,
            .form = form,
            .word = word,
            .answer = opposite_of(word)};
  }
  Saying opposite(Dice& dice, Word word) const {
    return opposite_in_form(word, dice.below(facts_.forms(word.language, Relation::Opposite)));
  }
  static Saying synonym_in_form(Word word, std::size_t form) {
    return {.frame = word.language,
            .relation = Relation::Synonym,
            .form = form,
            .word = word,
            .answer = word};
  }
  Saying synonym(Dice& dice, Word word) const {
    return synonym_in_form(word, dice.below(facts_.forms(word.language, Relation::Synonym)));
  }
  /// The opposite in a language that is named, which may be the word's own, in a sentence of the
  /// word's language or English.
  Saying opposite_elsewhere(Dice& dice, Word word) const {
    while (true) {
      Saying out{.frame = dice.chance(0.7) ? word.language : kEnglish,
                 .relation = Relation::OppositeIn,
                 .word = word,
                 .answer = opposite_of(word)};
      out.answer.language = dice.below(kLanguageCount);
      out.form = dice.below(facts_.forms(out.frame, out.relation));
      const bool same_language = out.answer.language == word.language;
      if (facts_.can_say(out) && !(same_language && is_held_out(word))) {
        return out;
      }
    }
  }

  Word draw_word(Dice& dice) const {
    const std::size_t pair = dice.below(facts_.pairs().size());
    const std::size_t side = dice.below(2);
    return {.pair = pair, .side = side, .language = dice.below(kLanguageCount)};
  }
  bool is_held_out(Word word) const { return facts_.pairs()[word.pair].held_out == word.language; }
  Word draw_seen(Dice& dice) const {
    while (true) {
      if (const Word word = draw_word(dice); !is_held_out(word)) {
        return word;
      }
    }
  }
  Word draw_with_synonym(Dice& dice, std::size_t language) const {
    Word word = dice.pick(with_synonym_);
    word.language = language;
    return word;
  }

  void add_line(Document& out, const Saying& saying) const {
    out.text += out.text.empty() ? "" : "\n";
    facts_.append_saying(out, saying);
  }

  Document draw(Dice& dice) const {
    Document out;
    const double kind = dice.uniform();
    if (kind < 0.25) {
      add_one_language(out, dice);
    } else if (kind < 0.4) {
      add_one_pair(out, dice);
    } else if (kind < 0.9) {
      for (std::size_t i = dice.below(3) + 2; i > 0; --i) {
        add_line(out, opposite_elsewhere(dice, draw_word(dice)));
      }
    } else {
      add_relations(out, dice);
    }
    return out;
  }

  /// Several pairs, one language.
  void add_one_language(Document& out, Dice& dice) const {
    Word word = draw_seen(dice);
    const std::size_t language = word.language;
    const std::size_t form = dice.below(facts_.forms(language, Relation::Opposite));
    const bool one_form = dice.chance(0.5);
    for (std::size_t i = dice.below(4) + 2; i > 0; --i) {
      add_line(out, one_form ? opposite_in_form(word, form) : opposite(dice, word));
      do {
        word = draw_seen(dice);
        word.language = language;
      } while (is_held_out(word));
    }
  }

  /// One pair, several languages.
  void add_one_pair(Document& out, Dice& dice) const {
    Word word = draw_word(dice);
    const bool one_side = dice.chance(0.7);
    const std::size_t first = dice.below(kLanguageCount);
    for (std::size_t i = dice.below(4) + 2; i > 0; --i) {
      word.language = (first + i) % kLanguageCount;
      if (!is_held_out(word)) {
        word.side = one_side ? word.side : dice.below(2);
        add_line(out, opposite(dice, word));
      }
    }
  }

  /// Opposites and synonyms of the same words, so that which is asked for matters.
  void add_relations(Document& out, Dice& dice) const {
    const std::size_t language = dice.below(kLanguageCount);
    for (std::size_t i = dice.below(2) + 1; i > 0; --i) {
      const Word word = draw_with_synonym(dice, language);
      const bool synonym_first = dice.chance(0.5);
      if (synonym_first) {
        add_line(out, synonym(dice, word));
      }
      if (!is_held_out(word) && dice.chance(0.6)) {
        add_line(out, opposite(dice, word));
      }
      if (!synonym_first) {
        add_line(out, synonym(dice, word));
      }
    }
  }

  void add_synonyms(std::vector<Question>& out) const {
    for (const Word english : with_synonym_) {
      for (std::size_t l = 0; l < kLanguageCount; ++l) {
        const Word word{.pair = english.pair, .side = english.side, .language = l};
        const std::size_t form = out.size() % facts_.forms(l, Relation::Synonym);
        out.push_back(facts_.question(synonym_in_form(word, form), "synonym"));
      }
    }
  }

  Twins twins_of(std::string_view kind, const Question& first, const Question& second) const {
    const auto value = [kind](const Question& question) {
      for (const Span& span : question.hidden) {
        if (span.kind == kind) {
          return span.value;
        }
      }
      return std::string();
    };
    return {.first = first,
            .second = second,
            .kind = std::string(kind),
            .first_value = value(first),
            .second_value = value(second)};
  }

  Twins meaning_twins(Dice& dice) const {
    const Saying first = opposite(dice, draw_seen(dice));
    Saying second = first;
    while (second.word.pair == first.word.pair || is_held_out(second.word)) {
      second.word = draw_word(dice);
      second.word.language = first.word.language;
    }
    second.answer = opposite_of(second.word);
    return twins_of("meaning", facts_.question(first, "opposite"),
                    facts_.question(second, "opposite"));
  }

  Twins language_twins(Dice& dice) const {
    const Word first = draw_seen(dice);
    Word second = first;
    while (second.language == first.language || is_held_out(second)) {
      second.language = dice.below(kLanguageCount);
    }
    const std::size_t form =
        dice.below(std::min(facts_.forms(first.language, Relation::Opposite),
                            facts_.forms(second.language, Relation::Opposite)));
    return twins_of("language", facts_.question(opposite_in_form(first, form), "opposite"),
                    facts_.question(opposite_in_form(second, form), "opposite"));
  }

  /// "The opposite of small is", "A synonym of small is".
  Twins relation_twins(Dice& dice) const {
    while (true) {
      const Word word = draw_with_synonym(dice, dice.below(kLanguageCount));
      if (!is_held_out(word)) {
        const std::size_t form =
            dice.below(std::min(facts_.forms(word.language, Relation::Opposite),
                                facts_.forms(word.language, Relation::Synonym)));
        return twins_of("relation", facts_.question(opposite_in_form(word, form), "relation"),
                        facts_.question(synonym_in_form(word, form), "relation"));
      }
    }
  }

  WordFacts facts_;
  std::vector<Word> held_out_;      // both sides of each pair
  std::vector<Word> with_synonym_;  // in English
};

}  // namespace

std::unique_ptr<Task> make_opposites(const Tables& tables) {
  return std::make_unique<Opposites>(tables);
}

}  // namespace cajal
