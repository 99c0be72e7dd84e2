// Cities, their states, and what is known of the states: the two-step questions.
//
// That the state is worked out at the city, and not when it is asked for, is the curriculum's
// doing: in every context the state's name or abbreviation may follow the city at once, and
// otherwise it is not said, so what comes after the city's last piece depends on the state. Several
// questions about one city stand in one document. In one document of eight a state chooses among
// several cities, whose states are not said. For each city one attribute at most is held out, and
// is then in no training document together with it.
#include <algorithm>

#include <fmt/format.h>

#include "base/error.h"
#include "corpus/world/geography_forms.h"
#include "corpus/world/registry.h"
#include "corpus/world/us_states.h"

namespace cajal {
namespace {

constexpr std::size_t kAttributes = kStateAttributes.size();
constexpr std::uint64_t kChoiceQuestions = 200;

/// One document in the making.
struct Draft {
  Document document;
  std::vector<const City*> cities = {};

  /// A line break before and after what is said in turns, else a space.
  void separate(std::string_view form) {
    const bool turns = form.substr(0, kHuman.size()) == kHuman;
    if (!document.text.empty()) {
      document.text += turns || last_turns ? '\n' : ' ';
    }
    last_turns = turns;
  }

  void add(std::string_view form, const std::vector<Slot>& slots, const State& state) {
    separate(form);
    mark_state(document, append_form(document, form, slots), state.name);
  }

  bool last_turns = false;
};

class Geography final : public Task {
 public:
  Geography(std::string name, double weight, StateFacts facts)
      : name_(std::move(name)), weight_(weight), facts_(std::move(facts)) {}

  std::string_view name() const override { return name_; }
  std::string_view summary() const override {
    return "cities, the states they are in, and what is known of these";
  }
  double weight() const override { return weight_; }

  Document generate(Split split, std::uint64_t seed, std::uint64_t index) const override {
    Dice dice(seed, fmt::format("{}/{}", name_, name_of(split)), index);
    if (split == Split::Heldout) {
      Draft draft;
      const City& city = *draw_held_out(dice);
      draft.add(dice.pick(kTwoStep), two_step_slots(facts_, city, city.held_out),
                facts_.state_of(city));
      return std::move(draft.document);
    }
    Draft draft = draw(dice);
    while (leaks(draft)) {
      draft = draw(dice);
    }
    return std::move(draft.document);
  }

  std::vector<Question> questions(Split split) const override {
    std::vector<Question> out;
    for (const City& city : facts_.cities()) {
      if (split == Split::Train) {
        const std::size_t attribute = (city.held_out + 1 + out.size() % 3) % kAttributes;
        if (attribute != city.held_out) {
          out.push_back(two_step(city, attribute, out.size() % kTwoStep.size()));
        }
        out.push_back(city_state(city, out.size() % kCityState.size()));
      } else if (city.held_out < kAttributes) {
        // one form of each parity
        const std::size_t form = fold_of(city.name, kTwoStep.size() / 2) * 2;
        out.push_back(two_step(city, city.held_out, form));
        out.push_back(two_step(city, city.held_out, form + 1));
      }
    }
    if (split == Split::Train) {
      add_state_facts(out);
      add_choice_questions(out);
    }
    return out;
  }

  Twins twins(std::uint64_t seed, std::uint64_t index) const override {
    Dice dice(seed, fmt::format("{}/twins", name_), index);
    const std::size_t form = dice.below(kTwoStep.size());
    while (true) {
      const City& first = dice.pick(facts_.cities());
      const City& second = dice.pick(facts_.cities());
      const std::size_t attribute = dice.below(kAttributes);
      if (first.held_out == attribute || second.held_out == attribute ||
          facts_.value(first, attribute) == facts_.value(second, attribute)) {
        continue;
      }
      return {.first = two_step(first, attribute, form),
              .second = two_step(second, attribute, form),
              .kind = "state",
              .first_value = facts_.state_of(first).name,
              .second_value = facts_.state_of(second).name};
    }
  }

  std::vector<std::string> whole_words() const override {
    std::vector<std::string> out;
    for (const State& state : facts_.states()) {
      append_whole_words(out, state.name);
      for (std::size_t a = 0; a < kAttributes; ++a) {
        if (kStateAttributes[a].column != "year") {  // a year is two numbers
          append_whole_words(out, state.values[a]);
        }
      }
    }
    return out;
  }

  std::vector<std::string> split_words() const override {
    std::vector<std::string> out;
    for (const City& city : facts_.cities()) {
      out.push_back(city.name);
    }
    return out;
  }

  std::vector<std::vector<std::string>> held_out() const override {
    std::vector<std::vector<std::string>> out;
    for (const City& city : facts_.cities()) {
      if (city.held_out < kAttributes) {
        out.push_back({city.name, std::string(facts_.held_out_value(city))});
      }
    }
    return out;
  }

  std::vector<Aim> aims() const override {
    return {{.kind = "two-step", .at_least = 0.95},
            {.kind = "one-step", .split = Split::Train, .at_least = 0.98}};
  }
  std::vector<ProbeAim> probe_aims() const override {
    return {{.kind = "state", .question = "two-step"}};
  }

 private:
  Question two_step(const City& city, std::size_t attribute, std::size_t form) const {
    Question out =
        question_of(kTwoStep[form], two_step_slots(facts_, city, attribute), "two-step", {"state"});
    const std::size_t end = out.prompt.size();
    out.hidden.push_back(
        {.begin = end - 1, .end = end, .kind = "state.last", .value = facts_.state_of(city).name});
    out.form = form;
    return out;
  }

  Question city_state(const City& city, std::size_t form) const {
    Question out =
        question_of(kCityState[form], city_state_slots(facts_, city), "one-step", {"state"});
    out.form = form;
    return out;
  }

  void add_state_facts(std::vector<Question>& out) const {
    for (const State& state : facts_.states()) {
      for (std::size_t a = 0; a < kAttributes; ++a) {
        const std::size_t form = out.size() % kStateFact.size();
        out.push_back(question_of(kStateFact[form], state_slots(state, a), "one-step", {}));
        out.back().form = form;
      }
    }
  }

  void add_choice_questions(std::vector<Question>& out) const {
    for (std::uint64_t i = 0; i < kChoiceQuestions; ++i) {
      Dice dice(0, fmt::format("{}/choices", name_), i);
      const std::vector<const City*> cities = draw_choices(dice, facts_);
      Document document;
      const std::size_t form = i % kChoice.size();
      const std::size_t answer =
          append_choice(document, facts_, kChoice[form], cities, dice.below(cities.size()));
      out.push_back({.prompt = document.text.substr(0, answer - 1),  // without the space
                     .answer = document.text.substr(answer - 1),
                     .kind = "choice",
                     .form = form});
    }
  }

  const City* draw_held_out(Dice& dice) const {
    while (true) {
      const City& city = dice.pick(facts_.cities());
      if (city.held_out < kAttributes) {
        return &city;
      }
    }
  }

  void add_two_step(Draft& draft, Dice& dice, const City& city) const {
    std::size_t attribute = dice.below(kAttributes);
    while (attribute == city.held_out) {
      attribute = dice.below(kAttributes);
    }
    const std::string_view form = dice.pick(kTwoStep);
    std::vector<Slot> slots = two_step_slots(facts_, city, attribute);
    slots.back() = draw_tail(dice, facts_, city, form);
    draft.add(form, slots, facts_.state_of(city));
    draft.cities.push_back(&city);
  }

  void add_city_state(Draft& draft, Dice& dice, const City& city) const {
    draft.add(dice.pick(kCityState), city_state_slots(facts_, city), facts_.state_of(city));
    draft.cities.push_back(&city);
  }

  void add_choice(Draft& draft, Dice& dice) const {
    const std::vector<const City*> cities = draw_choices(dice, facts_);
    const std::string_view form = dice.pick(kChoice);
    draft.separate(form);
    append_choice(draft.document, facts_, form, cities, dice.below(cities.size()));
    draft.cities.insert(draft.cities.end(), cities.begin(), cities.end());
  }

  static void add_state_fact(Draft& draft, Dice& dice, const State& state) {
    const std::string_view form = dice.pick(kStateFact);
    draft.add(form, state_slots(state, dice.below(kAttributes)), state);
  }

  /// Half of the documents ask about one city, some about one state or let a state choose among
  /// cities, the others ask about anything.
  Draft draw(Dice& dice) const {
    Draft draft;
    const double kind = dice.uniform();
    const City& city = dice.pick(facts_.cities());
    const State& state = dice.pick(facts_.states());
    for (std::size_t i = dice.below(3) + 2; i > 0; --i) {
      const double what = dice.uniform();
      if (kind < 0.12) {
        add_choice(draft, dice);
      } else if (kind < 0.56) {
        what < 0.85 ? add_two_step(draft, dice, city) : add_city_state(draft, dice, city);
      } else if (kind < 0.65) {
        add_state_fact(draft, dice, state);
      } else if (what < 0.6) {
        add_two_step(draft, dice, dice.pick(facts_.cities()));
      } else if (what < 0.8) {
        add_state_fact(draft, dice, dice.pick(facts_.states()));
      } else {
        add_city_state(draft, dice, dice.pick(facts_.cities()));
      }
    }
    return draft;
  }

  /// Whether a city stands with what is held out of it, for whatever reason: another city of its
  /// state, or another state with the same flower.
  bool leaks(const Draft& draft) const {
    return std::ranges::any_of(draft.cities, [&](const City* city) {
      const std::string_view value = facts_.held_out_value(*city);
      return !value.empty() && holds_words(draft.document.text, value);
    });
  }

  std::string name_;
  double weight_;
  StateFacts facts_;
};

}  // namespace

std::unique_ptr<Task> make_geography(const Tables& tables) {
  return std::make_unique<Geography>("geography", 3.0, StateFacts(tables, 0, 1));
}

std::unique_ptr<Task> make_small_geography(const Tables& tables) {
  return std::make_unique<Geography>("geography-12", 0.0, StateFacts(tables, 2, 4));
}

}  // namespace cajal
