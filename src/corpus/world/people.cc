// People who are known, asked about in many wordings, and made-up ones, of whom it is said that
// they are not.
//
// Whether a name is known must be looked up from all of it: made-up names share their parts with
// the known ones, and what follows a name at once may depend on it ("the athlete", "whoever that
// is"). Some wordings and a fifth of the made-up names are held out.
#include <algorithm>
#include <array>
#include <set>

#include <fmt/format.h>

#include "corpus/world/people_forms.h"
#include "corpus/world/registry.h"
#include "corpus/world/whole_words.h"

namespace cajal {
namespace {

constexpr std::uint64_t kNameFolds = 5;

bool is_held_out(const Person& person) {
  return !person.known && held_out_fold(person.name(), kNameFolds) == 0;
}

class People final : public Task {
 public:
  explicit People(const Tables& tables) {
    read_people(tables.table("people", {"name", "kind", "what", "country"}));
    read_names(tables.table("names", {"first", "last"}));
    for (std::string& name : tables.table("namesakes", {"name"}).column(0)) {
      known_.insert(std::move(name));
    }
  }

  std::string_view name() const override { return "people"; }
  std::string_view summary() const override {
    return "what known people did, and that made-up ones are not known";
  }
  double weight() const override { return 1.5; }

  Document generate(Split split, std::uint64_t seed, std::uint64_t index) const override {
    Dice dice(seed, fmt::format("people/{}", name_of(split)), index);
    Document out;
    const bool one_person = dice.chance(0.4);
    Person person = draw_person(dice, split);
    for (std::size_t i = dice.below(3) + 1; i > 0; --i) {
      add_exchange(out, dice, person, split);
      out.text += i > 1 ? "\n" : "";
      person = one_person ? person : draw_person(dice, split);
    }
    return out;
  }

  std::vector<Question> questions(Split split) const override {
    std::vector<Question> out;
    const std::size_t first = split == Split::Train ? 0 : kTrainForms;
    const std::size_t last = split == Split::Train ? kTrainForms : kPeopleForms;
    for (const Person& person : people_) {
      for (std::size_t form = first; form < last; ++form) {
        out.push_back(question_about(person, PersonQuestion::What, form));
        out.push_back(question_about(person, PersonQuestion::Country, form));
      }
    }
    Dice dice(0, "people/questions", split == Split::Train ? 0 : 1);
    for (std::size_t i = 0; i < kUnknownQuestions; ++i) {
      const Person person = draw_unknown(dice, split);
      const PersonQuestion asked = i % 2 == 0 ? PersonQuestion::What : PersonQuestion::Country;
      // names that were never seen are asked about in wordings that were, and in others
      const std::size_t forms = split == Split::Train ? kTrainForms : kPeopleForms;
      out.push_back(question_about(person, asked, i / 2 % forms));
    }
    return out;
  }

  Twins twins(std::uint64_t seed, std::uint64_t index) const override {
    Dice dice(seed, "people/twins", index);
    const Person& known = dice.pick(people_);
    Person unknown = known;
    // the same last name, another first one
    while (known_.contains(unknown.name()) || is_held_out(unknown)) {
      unknown = {.first = dice.pick(firsts_), .last = known.last, .calling = known.calling};
    }
    const PersonQuestion asked = dice.chance(0.5) ? PersonQuestion::What : PersonQuestion::Country;
    const std::size_t form = dice.below(kTrainForms);
    Twins out{.first = question_about(known, asked, form),
              .second = question_about(unknown, asked, form),
              .kind = "known",
              .first_value = "yes",
              .second_value = "no"};
    out.first.kind = out.second.kind = "known";
    return out;
  }

  std::vector<std::string> whole_words() const override {
    std::vector<std::string> out;
    for (const Person& person : people_) {
      append_whole_words(out, capitalised(person.what));
      append_whole_words(out, capitalised(person.country));
    }
    return out;
  }

  std::vector<std::string> split_words() const override {
    std::vector<std::string> out;
    for (const Person& person : people_) {
      out.push_back(person.name());
    }
    return out;
  }

  /// Names that training never says, and both sides of the wordings that it never uses.
  std::vector<std::vector<std::string>> held_out() const override {
    std::vector<std::vector<std::string>> out;
    for (const std::string& first : firsts_) {
      for (const std::string& last : lasts_) {
        const Person person{.first = first, .last = last};
        if (is_held_out(person)) {
          out.push_back({person.name()});
        }
      }
    }
    out.push_back({"is connected with."});
    out.push_back({"and they know the"});
    out.push_back({"What would you say is"});
    return out;
  }

  std::vector<Aim> aims() const override {
    return {{.kind = "known", .at_least = 0.95}, {.kind = "unknown", .at_least = 0.9}};
  }
  std::vector<ProbeAim> probe_aims() const override {
    return {{.kind = "known", .at_most_in_embeddings = 0.6}};
  }

 private:
  static constexpr std::size_t kUnknownQuestions = 300;

  void read_people(const Table& table) {
    for (std::size_t row = 0; row < table.rows(); ++row) {
      const std::string& name = table.at(row, 0);
      const std::size_t space = name.rfind(' ');
      const auto calling = std::find_if(kCallings.begin(), kCallings.end(), [&](const Calling& c) {
        return c.thing == table.at(row, 1);
      });
      if (space == std::string::npos) {
        table.fail_at(row, fmt::format("'{}' needs a first and a last name", name));
      }
      if (calling == kCallings.end()) {
        table.fail_at(row, fmt::format("the kind '{}' is none of sport, instrument and science",
                                       table.at(row, 1)));
      }
      if (!known_.insert(name).second) {
        table.fail_at(row, fmt::format("'{}' is there twice", name));
      }
      people_.push_back({.first = name.substr(0, space),
                         .last = name.substr(space + 1),
                         .calling = static_cast<std::size_t>(calling - kCallings.begin()),
                         .what = table.at(row, 2),
                         .country = table.at(row, 3),
                         .known = true});
    }
  }

  void read_names(const Table& table) {
    for (std::size_t row = 0; row < table.rows(); ++row) {
      firsts_.push_back(table.at(row, 0));
      lasts_.push_back(table.at(row, 1));
    }
  }

  /// Most end in the last name of somebody known, so that it takes the whole name to tell.
  Person draw_made_up(Dice& dice) const {
    const double draw = dice.uniform();
    const bool known_first = draw < 0.35 || draw >= 0.93;
    const bool known_last = draw < 0.85;
    return {.first = known_first ? dice.pick(people_).first : dice.pick(firsts_),
            .last = known_last ? dice.pick(people_).last : dice.pick(lasts_),
            .calling = dice.below(kCallings.size())};
  }

  Person draw_unknown(Dice& dice, Split split) const {
    while (true) {
      Person person = draw_made_up(dice);
      if (!known_.contains(person.name()) && is_held_out(person) == (split == Split::Heldout)) {
        return person;
      }
    }
  }

  Person draw_person(Dice& dice, Split split) const {
    return dice.chance(0.5) ? dice.pick(people_) : draw_unknown(dice, split);
  }

  static void add_exchange(Document& out, Dice& dice, const Person& person, Split split) {
    const PersonQuestion asked = dice.chance(0.6) ? PersonQuestion::What : PersonQuestion::Country;
    const std::size_t form = split == Split::Train
                                 ? dice.below(kTrainForms)
                                 : kTrainForms + dice.below(kPeopleForms - kTrainForms);
    std::vector<Slot> slots = slots_of(person, asked);
    slots[1] = draw_tail(dice, person, wording(asked, form));
    append_form(out, exchange(asked, form), slots);
  }

  std::vector<Person> people_;
  std::set<std::string, std::less<>> known_;  // to somebody, namesakes.tsv included
  std::vector<std::string> firsts_;
  std::vector<std::string> lasts_;
};

}  // namespace

std::unique_ptr<Task> make_people(const Tables& tables) {
  return std::make_unique<People>(tables);
}

}  // namespace cajal
