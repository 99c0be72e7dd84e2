// Ordinary sentences: small stories and statements, so that the model knows a language and not only
// a table. What is asked is whether a verb agrees with its subject, past a noun of another number.
#include <algorithm>
#include <array>
#include <map>

#include <fmt/format.h>

#include "corpus/world/registry.h"

namespace cajal {
namespace {

struct Word {
  std::string one;
  std::string many;
};
using Words = std::vector<Word>;

bool takes_an(std::string_view word) noexcept {
  return std::string_view("aeiouAEIOU").find(word.front()) != std::string_view::npos &&
         word.substr(0, 3) != "uni";
}

// Between subject and verb stands a noun that may be of the other number.
struct Agreement {
  std::string_view before;
  std::string_view between;
};
constexpr std::array<Agreement, 8> kAgreements = {{
    {"The", "near the"},
    {"We saw that the", "behind the"},
    {"Look: the", "next to the"},
    {"Everybody knows that the", "with the"},
    {"It seems that the", "in front of the"},
    {"I think the", "beside the"},
    {"Today the", "without the"},
    {"Some say that the", "after the"},
}};
constexpr std::uint64_t kFolds = 10;

/// Somebody somewhere with an animal, a thing and something to eat: what a story is about. The
/// other words are drawn anew each time.
constexpr std::array<std::string_view, 5> kRoles = {"person", "animal", "thing", "food", "place"};

struct Story {
  Word name;  // `many` is "he" or "she"
  std::map<std::string_view, Word> roles = {};
  std::map<std::string_view, Word> others = {};  // for "person2"
};

std::string pronoun(const Word& name, std::string_view slot) {
  const bool he = name.many == "he";
  if (slot == "he") {
    return he ? "he" : "she";
  }
  if (slot == "He") {
    return he ? "He" : "She";
  }
  if (slot == "His") {
    return he ? "His" : "Her";
  }
  if (slot == "his") {
    return he ? "his" : "her";
  }
  return slot == "him" ? (he ? "him" : "her") : "";
}

class Plain final : public Task {
 public:
  explicit Plain(const Tables& tables) {
    const Table words = tables.table("plain_words", {"class", "one", "many"});
    for (std::size_t row = 0; row < words.rows(); ++row) {
      words_[words.at(row, 0)].push_back({words.at(row, 1), words.at(row, 2)});
    }
    for (const char* const needed :
         {"name", "person", "animal", "thing", "food", "place", "adjective"}) {
      if (const auto found = words_.find(needed);
          found == words_.end() || found->second.size() < 2) {
        words.fail_at(0, fmt::format("the class '{}' needs two words at least", needed));
      }
    }
    const Table forms = tables.table("plain_sentences", {"kind", "form"});
    for (std::size_t row = 0; row < forms.rows(); ++row) {
      check_form(forms, row);
      forms_[forms.at(row, 0)].push_back(forms.at(row, 1));
    }
    for (const char* const kind : {"open", "middle", "end", "fact"}) {
      if (!forms_.contains(kind)) {
        forms.fail_at(0, fmt::format("there is no form of kind '{}'", kind));
      }
    }
  }

  std::string_view name() const override { return "plain"; }
  std::string_view summary() const override { return "small stories and ordinary sentences"; }
  double weight() const override { return 1.2; }

  Document generate(Split split, std::uint64_t seed, std::uint64_t index) const override {
    Dice dice(seed, fmt::format("plain/{}", name_of(split)), index);
    Document out;
    if (split == Split::Heldout) {
      append_agreement(out, dice, draw_pair(dice, split));
    } else if (dice.chance(0.55)) {
      append_story(out, dice);
    } else {
      for (std::size_t i = dice.below(4) + 2; i > 0; --i) {
        append_statement(out, dice);
        out.text += i > 1 ? " " : "";
      }
    }
    return out;
  }

  std::vector<Question> questions(Split split) const override {
    Dice dice(0, "plain/questions", split == Split::Train ? 0 : 1);
    std::vector<Question> out;
    while (out.size() < kQuestions) {
      out.push_back(agreement_question(draw_pair(dice, split), out.size() % kAgreements.size()));
    }
    return out;
  }

  Twins twins(std::uint64_t seed, std::uint64_t index) const override {
    Dice dice(seed, "plain/twins", index);
    const std::size_t form = dice.below(kAgreements.size());
    Pair pair = draw_pair(dice, Split::Train);
    pair.subjects = false;
    const Question first = agreement_question(pair, form);
    pair.subjects = true;
    return {.first = first,
            .second = agreement_question(pair, form),
            .kind = "number",
            .first_value = "one",
            .second_value = "many"};
  }

  std::vector<std::vector<std::string>> held_out() const override {
    std::vector<std::vector<std::string>> out;
    for (const Word& subject : words_.at("person")) {
      for (const Word& other : words_.at("animal")) {
        if (!is_held_out(subject, other)) {
          continue;
        }
        for (const Agreement& form : kAgreements) {
          for (const std::string& a : {subject.one, subject.many}) {
            for (const std::string& b : {other.one, other.many}) {
              out.push_back({fmt::format("{} {} {}", a, form.between, b)});
            }
          }
        }
      }
    }
    return out;
  }

  std::vector<Aim> aims() const override { return {{.kind = "agreement", .at_least = 0.9}}; }

 private:
  static constexpr std::size_t kQuestions = 200;

  /// A subject and the noun between it and its verb, each of one or of many.
  struct Pair {
    const Word* subject = nullptr;
    const Word* other = nullptr;
    bool subjects = false;
    bool others = false;
  };

  static bool is_held_out(const Word& subject, const Word& other) {
    return held_out_fold(fmt::format("{} {}", subject.one, other.one), kFolds) == 0;
  }

  Pair draw_pair(Dice& dice, Split split) const {
    while (true) {
      const Pair pair{.subject = &dice.pick(words_.at("person")),
                      .other = &dice.pick(words_.at("animal")),
                      .subjects = dice.chance(0.5),
                      .others = dice.chance(0.5)};
      if (is_held_out(*pair.subject, *pair.other) == (split == Split::Heldout)) {
        return pair;
      }
    }
  }

  /// "The farmers near the dog", with the number on the subject.
  static void append_subject(Document& out, const Pair& pair, std::size_t form) {
    out.text += fmt::format("{} ", kAgreements[form].before);
    append(out, pair.subjects ? pair.subject->many : pair.subject->one,
           {{"number", pair.subjects ? "many" : "one"}});
    out.text += fmt::format(" {} {}", kAgreements[form].between,
                            pair.others ? pair.other->many : pair.other->one);
  }

  void append_agreement(Document& out, Dice& dice, const Pair& pair) const {
    append_subject(out, pair, dice.below(kAgreements.size()));
    out.text +=
        fmt::format(" {} {}.", pair.subjects ? "are" : "is", dice.pick(words_.at("adjective")).one);
  }

  static Question agreement_question(const Pair& pair, std::size_t form) {
    Document document;
    append_subject(document, pair, form);
    return {.prompt = std::move(document.text),
            .answer = pair.subjects ? " are" : " is",
            .kind = "agreement",
            .form = form,
            .hidden = std::move(document.spans)};
  }

  void append_statement(Document& out, Dice& dice) const {
    if (dice.chance(0.3)) {
      append_agreement(out, dice, draw_pair(dice, Split::Train));
      return;
    }
    const Story story = draw_story(dice);
    append_sentence(out, dice, story, dice.pick(forms_.at("fact")));
  }

  void append_story(Document& out, Dice& dice) const {
    const Story story = draw_story(dice);
    append_sentence(out, dice, story, dice.pick(forms_.at("open")));
    std::string_view last;
    for (std::size_t i = dice.below(4) + 2; i > 0; --i) {
      const std::string& form = dice.pick(forms_.at("middle"));
      if (form != last) {
        out.text += ' ';
        append_sentence(out, dice, story, form);
      }
      last = form;
    }
    out.text += ' ';
    append_sentence(out, dice, story, dice.pick(forms_.at("end")));
  }

  Story draw_story(Dice& dice) const {
    Story story{.name = dice.pick(words_.at("name"))};
    for (const std::string_view role : kRoles) {
      const Words& words = words_.find(role)->second;
      const std::size_t first = dice.below(words.size());
      const std::size_t second = (first + 1 + dice.below(words.size() - 1)) % words.size();
      story.roles.emplace(role, words[first]);
      story.others.emplace(role, words[second]);
    }
    return story;
  }

  void append_sentence(Document& out, Dice& dice, const Story& story, std::string_view form) const {
    for (std::size_t at = 0; at < form.size();) {
      const std::size_t open = std::min(form.find('{', at), form.size());
      out.text += form.substr(at, open - at);
      if (open == form.size()) {
        return;
      }
      const std::size_t close = form.find('}', open);
      append_slot(out, dice, story, form.substr(open + 1, close - open - 1));
      at = close + 1;
    }
  }

  void append_slot(Document& out, Dice& dice, const Story& story, std::string_view slot) const {
    if (slot == "name") {
      append(out, story.name.one, {{"who", story.name.one}});
    } else if (const std::string word = pronoun(story.name, slot); !word.empty()) {
      append(out, word, {{"who", story.name.one}});
    } else if (slot.substr(0, 2) == "a_") {
      const std::string noun = word_for(dice, story, slot.substr(2));
      out.text += fmt::format("{} {}", takes_an(noun) ? "an" : "a", noun);
    } else {
      out.text += word_for(dice, story, slot);
    }
  }

  std::string word_for(Dice& dice, const Story& story, std::string_view slot) const {
    if (const auto role = story.roles.find(slot); role != story.roles.end()) {
      return role->second.one;
    }
    const std::string_view stem = slot.substr(0, slot.size() - 1);
    if (const auto words = words_.find(slot); words != words_.end()) {
      return dice.pick(words->second).one;
    }
    return slot.back() == '2' ? story.others.at(stem).one : story.roles.at(stem).many;
  }

  /// Throws for a slot that append_slot would not know.
  void check_form(const Table& table, std::size_t row) const {
    const std::string_view form = table.at(row, 1);
    for (std::size_t open = form.find('{'); open != std::string_view::npos;
         open = form.find('{', open + 1)) {
      const std::size_t close = form.find('}', open);
      std::string_view slot = form.substr(open + 1, close - open - 1);
      if (slot == "name" || !pronoun({}, slot).empty()) {
        continue;
      }
      slot = slot.substr(slot.substr(0, 2) == "a_" ? 2 : 0);
      const std::string_view stem = slot.substr(0, slot.empty() ? 0 : slot.size() - 1);
      const bool ends = !slot.empty() && (slot.back() == '2' || slot.back() == 's');
      if (close == std::string_view::npos ||
          !(words_.contains(slot) ||
            (ends && std::find(kRoles.begin(), kRoles.end(), stem) != kRoles.end()))) {
        table.fail_at(row, fmt::format("'{{{}}}' is no class of world/plain_words.tsv", slot));
      }
    }
  }

  std::map<std::string, Words, std::less<>> words_;
  std::map<std::string, std::vector<std::string>, std::less<>> forms_;
};

}  // namespace

std::unique_ptr<Task> make_plain(const Tables& tables) {
  return std::make_unique<Plain>(tables);
}

}  // namespace cajal
