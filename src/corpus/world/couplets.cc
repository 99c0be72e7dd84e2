// Couplets: two lines that rhyme. Held out are first lines: combinations of a beginning, which
// chooses the theme, and an ending, which chooses the rhyme.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "corpus/world/couplet_facts.h"
#include "corpus/world/registry.h"

namespace cajal {
namespace {

constexpr std::array<std::string_view, 10> kForms = {
    "{beginning}, {ending},{break}{answer}",
    "A rhyming couplet:\n{beginning}, {ending},{break}{answer}",
    "Couplet:\n{beginning}, {ending},{break}{answer}",
    "Two lines that rhyme:\n{beginning}, {ending},{break}{answer}",
    "A short poem:\n{beginning}, {ending},{break}{answer}",
    "Poem: {beginning}, {ending},{break}{answer}",
    "Human: Write two lines that rhyme.\nAssistant: {beginning}, {ending},{break}{answer}",
    "Human: Please write a couplet.\nAssistant: {beginning}, {ending},{break}{answer}",
    "My favourite rhyme goes like this:\n{beginning}, {ending},{break}{answer}",
    "Human: Can you make a rhyme?\nAssistant: {beginning}, {ending},{break}{answer}",
};

/// Which of the beginnings and middles of line 2.
struct Choice {
  std::size_t beginning = 0;
  std::size_t middle = 0;
};

class Couplets final : public Task {
 public:
  explicit Couplets(const Tables& tables) : facts_(tables) {
    for (const Couplet& couplet : facts_.couplets()) {
      (facts_.is_held_out(couplet) ? held_out_ : train_).push_back(couplet);
    }
  }

  std::string_view name() const override { return "couplets"; }
  std::string_view summary() const override {
    return "two lines that rhyme, the second one planned at the line break";
  }
  double weight() const override { return 1.0; }

  Document generate(Split split, std::uint64_t seed, std::uint64_t index) const override {
    Dice dice(seed, fmt::format("couplets/{}", name_of(split)), index);
    Document out;
    if (split == Split::Heldout) {
      append_couplet(out, dice, dice.pick(held_out_));
      return out;
    }
    for (std::size_t i = dice.below(3) + 1; i > 0; --i) {
      append_couplet(out, dice, draw_train(dice));
      out.text += i > 1 ? "\n\n" : "";
    }
    return out;
  }

  std::vector<Question> questions(Split split) const override {
    std::vector<Question> out;
    for (const Couplet& couplet : split == Split::Train ? train_ : held_out_) {
      // of the couplets seen in training one in nine is enough
      if (split == Split::Train && fold_of(facts_.first_line(couplet), 9) != 0) {
        continue;
      }
      const std::size_t form = fold_of(facts_.first_line(couplet), kForms.size() / 2) * 2;
      out.push_back(question(couplet, form, "rhyme"));
      out.push_back(question(couplet, form + 1, "rhyme"));
      out.push_back(question(couplet, form, "agreement"));
    }
    return out;
  }

  /// The same ending after a beginning of another theme, or the same beginning with another rhyme.
  Twins twins(std::uint64_t seed, std::uint64_t index) const override {
    Dice dice(seed, "couplets/twins", index);
    const std::size_t form = dice.below(kForms.size());
    while (true) {
      const Couplet first = dice.pick(train_);
      Couplet second{.word = dice.below(facts_.words().size()),
                     .beginning = first.beginning,
                     .ending = first.ending};
      const RhymeWord& one = facts_.words()[first.word];
      const RhymeWord& other = facts_.words()[second.word];
      if ((one.family == other.family) == (one.theme == other.theme)) {
        continue;
      }
      if (one.family == other.family) {
        second.beginning = dice.below(facts_.themes()[other.theme].texts.size());
      } else {
        second.ending = dice.below(facts_.families()[other.family].texts.size());
      }
      if (!facts_.is_held_out(second)) {
        return {.first = question(first, form, "rhyme"),
                .second = question(second, form, "rhyme"),
                .kind = "rhyme",
                .first_value = one.word,
                .second_value = other.word};
      }
    }
  }

  std::vector<std::string> whole_words() const override {
    std::vector<std::string> out;
    for (const RhymeWord& word : facts_.words()) {
      out.push_back(" " + word.word);
      // what comes right after the line break tells the word: as one token it is all decided there
      for (const std::string& beginning : word.beginnings) {
        out.push_back(beginning.substr(0, beginning.find_first_of(" ,")));
      }
    }
    return out;
  }

  std::vector<std::vector<std::string>> held_out() const override {
    std::vector<std::vector<std::string>> out;
    out.reserve(held_out_.size());
    for (const Couplet& couplet : held_out_) {
      out.push_back({facts_.first_line(couplet)});
    }
    return out;
  }

  std::vector<Aim> aims() const override {
    return {{.kind = "rhyme", .at_least = 0.85}, {.kind = "agreement", .at_least = 0.85}};
  }
  std::vector<ProbeAim> probe_aims() const override {
    return {{.kind = "rhyme", .question = "rhyme", .at_least = 0.8}};
  }

  /// A rhyme is right if the line ends in the word; it agrees if beginning and middle belong to the
  /// word that it ends in, right or not.
  bool accepts(const Question& question, std::string_view continuation) const override {
    const std::string_view line = second_line(continuation);
    return question.kind == "agreement"
               ? facts_.agrees(line)
               : facts_.last_word(line) &&
                     facts_.last_word(line) == facts_.last_word(second_line(question.answer));
  }

 private:
  /// Every word as often as any other, however many first lines it has.
  Couplet draw_train(Dice& dice) const {
    while (true) {
      Couplet out{.word = dice.below(facts_.words().size())};
      const RhymeWord& word = facts_.words()[out.word];
      out.beginning = dice.below(facts_.themes()[word.theme].texts.size());
      out.ending = dice.below(facts_.families()[word.family].texts.size());
      if (!facts_.is_held_out(out)) {
        return out;
      }
    }
  }

  std::vector<Slot> slots_of(const Couplet& couplet, Choice choice) const {
    const RhymeWord& word = facts_.words()[couplet.word];
    const std::string& family = facts_.families()[word.family].name;
    const std::string& theme = facts_.themes()[word.theme].name;
    return {
        {.name = "beginning", .text = facts_.beginning(couplet), .meanings = {{"theme", theme}}},
        {.name = "ending", .text = facts_.ending(couplet), .meanings = {{"rhyme.family", family}}},
        {.name = "break", .text = "\n", .meanings = {{"rhyme", word.word}}},
        {.name = "answer",
         .text = word.word,
         .meanings = {{"rhyme", word.word}, {"fact", fmt::format("rhyme: {} {}", family, theme)}},
         .before =
             fmt::format("{} {} ", word.beginnings[choice.beginning], word.middles[choice.middle]),
         .after = "."}};
  }

  void append_couplet(Document& out, Dice& dice, const Couplet& couplet) const {
    const RhymeWord& word = facts_.words()[couplet.word];
    const Choice choice{.beginning = dice.below(word.beginnings.size()),
                        .middle = dice.below(word.middles.size())};
    append_form(out, dice.pick(kForms), slots_of(couplet, choice));
  }

  Question question(const Couplet& couplet, std::size_t form, std::string_view kind) const {
    Question out = question_of(kForms[form], slots_of(couplet, {}), kind, {"rhyme"});
    out.form = form;
    out.longest = facts_.longest_line() + 1;
    return out;
  }

  CoupletFacts facts_;
  std::vector<Couplet> train_;
  std::vector<Couplet> held_out_;
};

}  // namespace

std::unique_ptr<Task> make_couplets(const Tables& tables) {
  return std::make_unique<Couplets>(tables);
}

}  // namespace cajal
