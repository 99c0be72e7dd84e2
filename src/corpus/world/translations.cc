// Translations of the words of opposites. Of a third of the meanings one pair of languages other
// than English is held out, in both directions.
#include <algorithm>

#include <fmt/format.h>

#include "corpus/world/registry.h"
#include "corpus/world/word_facts.h"

namespace cajal {
namespace {

constexpr std::array<std::string_view, kLanguageCount> kNames = {"English", "French", "Spanish",
                                                                 "German", "Chinese"};
class Translations final : public Task {
 public:
  explicit Translations(const Tables& tables) : facts_(tables) {}

  std::string_view name() const override { return "translations"; }
  std::string_view summary() const override { return "words of five languages, translated"; }
  double weight() const override { return 1.6; }

  Document generate(Split split, std::uint64_t seed, std::uint64_t index) const override {
    Dice dice(seed, fmt::format("translations/{}", name_of(split)), index);
    if (split == Split::Heldout) {
      Document out;
      const auto& [from, to] = dice.pick(facts_.apart());
      facts_.append_saying(
          out, dice.chance(0.5) ? translation(dice, from, to) : translation(dice, to, from));
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
      for (const auto& [one, other] : facts_.apart()) {
        add_questions(out, one, other);
        add_questions(out, other, one);
      }
      return out;
    }
    for (std::size_t pair = 0; pair < facts_.pairs().size(); ++pair) {
      for (std::size_t i = 0; i < 2 * (kLanguageCount - 1); ++i) {
        const Word english{.pair = pair, .side = i % 2, .language = kEnglish};
        const Word other{.pair = pair, .side = i % 2, .language = i / 2 + 1};
        const bool reverse = (pair + i) % 2 == 1;
        add_question(out, reverse ? other : english, reverse ? english : other, out.size());
      }
    }
    return out;
  }

  /// The same word into two languages, or two words into the same.
  Twins twins(std::uint64_t seed, std::uint64_t index) const override {
    Dice dice(seed, "translations/twins", index);
    while (true) {
      const auto [word, answer] = draw_two(dice);
      const Saying first = translation(dice, word, answer);
      Saying second = first;
      const bool language = dice.chance(0.5);
      if (language) {
        second.answer.language = dice.below(kLanguageCount);
      } else {
        second.word.pair = second.answer.pair = dice.below(facts_.pairs().size());
      }
      const bool same = second.answer == first.answer || second.word == second.answer;
      if (!same && facts_.can_say(second) && !is_held_out(first) && !is_held_out(second) &&
          facts_.text(first.answer) != facts_.text(second.answer)) {
        return {.first = facts_.question(first, "translation"),
                .second = facts_.question(second, "translation"),
                .kind = language ? "language" : "meaning",
                .first_value = language ? std::string(kLanguages[first.answer.language])
                                        : facts_.meaning(first.answer),
                .second_value = language ? std::string(kLanguages[second.answer.language])
                                         : facts_.meaning(second.answer)};
      }
    }
  }

  std::vector<std::string> whole_words() const override { return facts_.whole_words(); }
  std::vector<std::vector<std::string>> held_out() const override {
    return facts_.held_out_translations();
  }

 private:
  bool is_held_out(const Saying& saying) const {
    return std::any_of(facts_.apart().begin(), facts_.apart().end(), [&](const TwoWords& two) {
      return two == TwoWords(saying.word, saying.answer) ||
             two == TwoWords(saying.answer, saying.word);
    });
  }

  /// In a sentence of the language of the word, or English, or the language of the answer.
  Saying translation(Dice& dice, Word from, Word to) const {
    while (true) {
      const double who = dice.uniform();
      Saying out{.frame = who < 0.55 ? from.language : (who < 0.85 ? kEnglish : to.language),
                 .relation = Relation::Translation,
                 .word = from,
                 .answer = to};
      out.form = dice.below(facts_.forms(out.frame, out.relation));
      if (facts_.can_say(out)) {
        return out;
      }
    }
  }

  /// A word and its translation; two of three times one of them is English.
  TwoWords draw_two(Dice& dice) const {
    Word from{.pair = dice.below(facts_.pairs().size()), .side = dice.below(2), .language = 0};
    Word to = from;
    from.language = dice.below(kLanguageCount);
    do {
      to.language = dice.below(kLanguageCount);
    } while (to.language == from.language);
    if (from.language != kEnglish && to.language != kEnglish && dice.chance(0.5)) {
      (dice.chance(0.5) ? from : to).language = kEnglish;
    }
    return {from, to};
  }

  void add_line(Document& out, const Saying& saying) const {
    out.text += out.text.empty() ? "" : "\n";
    facts_.append_saying(out, saying);
  }

  Document draw(Dice& dice) const {
    Document out;
    const double kind = dice.uniform();
    if (kind < 0.2) {
      add_dictionary(out, dice);
      return out;
    }
    const TwoWords subject = draw_two(dice);
    for (std::size_t i = dice.below(4) + 2; i > 0; --i) {
      auto [from, to] = draw_two(dice);
      if (kind < 0.5) {  // one word into several languages
        from = subject.first;
        to.pair = from.pair;
        to.side = from.side;
      } else if (kind < 0.75) {  // several words, two languages
        from.language = subject.first.language;
        to.language = subject.second.language;
      }
      if (from.language != to.language) {
        add_line(out, translation(dice, from, to));
      }
    }
    if (out.text.empty()) {
      add_line(out, translation(dice, subject.first, subject.second));
    }
    return out;
  }

  /// "French: petit. German: klein." Each word but the first is a fact of the one before.
  void add_dictionary(Document& out, Dice& dice) const {
    for (std::size_t i = dice.below(3) + 1; i > 0; --i) {
      out.text += out.text.empty() ? "" : "\n";
      Word word = draw_two(dice).first;
      const std::size_t step = dice.below(kLanguageCount - 1) + 1;
      for (std::size_t n = dice.below(3) + 2; n > 0; --n) {
        append_entry(out, word);
        out.text += n > 1 ? " " : "";
        word.language = (word.language + step) % kLanguageCount;
      }
    }
  }

  void append_entry(Document& out, Word word) const {
    const std::vector<Meaning> meant = {{"meaning", facts_.meaning(word)},
                                        {"language", std::string(kLanguages[word.language])}};
    append(out, fmt::format("{}:", kNames[word.language]), {meant[1]});
    out.text += word.language == kChinese ? " “" : " ";
    append(out, facts_.text(word), meant);
    out.text += word.language == kChinese ? "”." : ".";
  }

  void add_question(std::vector<Question>& out, Word from, Word to, std::size_t form) const {
    const std::size_t forms = facts_.forms(from.language, Relation::Translation);
    for (std::size_t i = 0; i < forms; ++i) {
      const Saying saying{.frame = from.language,
                          .relation = Relation::Translation,
                          .form = (form + i) % forms,
                          .word = from,
                          .answer = to};
      if (facts_.can_say(saying)) {
        out.push_back(facts_.question(saying, "translation"));
        return;
      }
    }
  }

  /// In two forms of the word's language.
  void add_questions(std::vector<Question>& out, Word from, Word to) const {
    add_question(out, from, to, out.size());
    add_question(out, from, to, out.size() + 2);
  }

  WordFacts facts_;
};

}  // namespace

std::unique_ptr<Task> make_translations(const Tables& tables) {
  return std::make_unique<Translations>(tables);
}

}  // namespace cajal
