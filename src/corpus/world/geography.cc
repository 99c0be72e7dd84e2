// Cities, their states, and what is known of the states: the two-step questions.
//
// That the state is worked out at the city, and not when it is asked for, is the curriculum's
// doing: in every context the state's name or abbreviation may follow the city at once, and
// otherwise it is not said, so what comes after the city's last piece depends on the state. Several
// questions about one city stand in one document. For each city one attribute at most is held out,
// and is then in no training document together with it.
#include <array>

#include <fmt/format.h>

#include "base/error.h"
#include "corpus/world/registry.h"
#include "corpus/world/us_states.h"

namespace cajal {
namespace {

constexpr std::size_t kAttributes = kStateAttributes.size();
constexpr std::size_t kAbbreviation = 1;
static_assert(kStateAttributes[kAbbreviation].column == "abbreviation");

// No form begins with the city: it always has the pieces that it has after a space.
constexpr std::array<std::string_view, 10> kTwoStep = {
    "Fact: the {noun} of the state containing {city}{tail} is {the}{answer}.",
    "Consider the state where {city}{tail} lies: its {noun} is {the}{answer}.",
    "Human: What is the {noun} of the state containing {city}{tail}?\nAssistant: It is "
    "{the}{answer}.",
    "We know that {city}{tail} lies in a state whose {noun} is {the}{answer}.",
    "Think of {city}{tail} and of its state; the {noun} there is {the}{answer}.",
    "Take the state with {city}{tail} in it. Its {noun} is {the}{answer}.",
    "Human: I live in {city}{tail}. What is the {noun} of my state?\nAssistant: It is "
    "{the}{answer}.",
    "People in {city}{tail} know the {noun} of their state: it is {the}{answer}.",
    "Question: which {noun} does the state with {city}{tail} have? Answer: it is {the}{answer}.",
    "The {noun} of the state around {city}{tail} is {the}{answer}.",
};
constexpr std::array<std::string_view, 7> kCityState = {
    "Fact: the city of {city} is in {answer}.",
    "The state containing {city} is {answer}.",
    "Human: Which state is {city} in?\nAssistant: It is {answer}.",
    "You will find {city} in the state of {answer}.",
    "On the map, {city} lies in {answer}.",
    "Question: where is {city}? Answer: it is in {answer}.",
    "Human: I live in {city}. What is my state?\nAssistant: It is {answer}.",
};
constexpr std::array<std::string_view, 8> kStateFact = {
    "Fact: the {noun} of {state} is {the}{answer}.",
    "Consider {state}: its {noun} is {the}{answer}.",
    "Human: What is the {noun} of {state}?\nAssistant: It is {the}{answer}.",
    "We know that the {noun} of the state of {state} is {the}{answer}.",
    "Think of {state}; the {noun} there is {the}{answer}.",
    "People in {state} know the {noun} of their state: it is {the}{answer}.",
    "Question: which {noun} does {state} have? Answer: it is {the}{answer}.",
    "Take the state of {state}. Its {noun} is {the}{answer}.",
};

std::vector<Slot> attribute_slots(std::size_t attribute, const std::string& value,
                                  const std::string& subject) {
  const StateAttribute& a = kStateAttributes[attribute];
  const std::string column(a.column);
  return {{.name = "noun", .text = std::string(a.noun), .meanings = {{"attribute", column}}},
          {.name = "the", .text = std::string(a.the)},
          {.name = "answer",
           .text = value,
           .meanings = {{column, value}, {"fact", fmt::format("{}: {}", subject, column)}}}};
}

/// One document in the making.
struct Draft {
  Document document;
  std::vector<const City*> cities = {};

  /// A line break before and after what is said in turns, else a space.
  void add(std::string_view form, const std::vector<Slot>& slots) {
    const bool turns = form.substr(0, kHuman.size()) == kHuman;
    if (!document.text.empty()) {
      document.text += turns || last_turns ? '\n' : ' ';
    }
    last_turns = turns;
    append_form(document, form, slots);
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
      draft.add(dice.pick(kTwoStep), two_step_slots(city, city.held_out));
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
  std::vector<Slot> two_step_slots(const City& city, std::size_t attribute) const {
    std::vector<Slot> out = attribute_slots(attribute, facts_.value(city, attribute), city.name);
    out.push_back(city_slot(city));
    out.push_back({.name = "tail", .text = ""});
    return out;
  }

  Slot city_slot(const City& city) const {
    return {.name = "city",
            .text = city.name,
            .meanings = {{"state", facts_.state_of(city).name}, {"city", city.name}}};
  }

  /// The slot "tail" of a form: often nothing, otherwise the state.
  Slot draw_tail(Dice& dice, const City& city, std::string_view form) const {
    const State& state = facts_.state_of(city);
    const std::vector<Meaning> meanings = {{"state", state.name}};
    const double draw = dice.uniform();
    if (draw < 0.25) {
      return {.name = "tail", .text = state.name, .meanings = meanings, .before = " "};
    }
    if (draw < 0.35) {
      const std::size_t next = form.find("{tail}") + 6;
      return {.name = "tail",
              .text = state.name,
              .meanings = meanings,
              .before = ", ",
              .after = form[next] == ' ' ? "," : ""};
    }
    if (draw < 0.45 && city.held_out != kAbbreviation) {
      return {
          .name = "tail", .text = state.values[kAbbreviation], .meanings = meanings, .before = " "};
    }
    return {.name = "tail", .text = ""};
  }

  Question two_step(const City& city, std::size_t attribute, std::size_t form) const {
    Question out =
        question_of(kTwoStep[form], two_step_slots(city, attribute), "two-step", {"state"});
    const std::size_t end = out.prompt.size();
    out.hidden.push_back(
        {.begin = end - 1, .end = end, .kind = "state.last", .value = facts_.state_of(city).name});
    out.form = form;
    return out;
  }

  std::vector<Slot> city_state_slots(const City& city) const {
    const std::string& state = facts_.state_of(city).name;
    return {city_slot(city),
            {.name = "answer",
             .text = state,
             .meanings = {{"state", state}, {"fact", fmt::format("{}: state", city.name)}}}};
  }

  Question city_state(const City& city, std::size_t form) const {
    Question out = question_of(kCityState[form], city_state_slots(city), "one-step", {"state"});
    out.form = form;
    return out;
  }

  static std::vector<Slot> state_slots(const State& state, std::size_t attribute) {
    std::vector<Slot> out = attribute_slots(attribute, state.values[attribute], state.name);
    out.push_back({.name = "state", .text = state.name, .meanings = {{"state", state.name}}});
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
    std::vector<Slot> slots = two_step_slots(city, attribute);
    slots.back() = draw_tail(dice, city, form);
    draft.add(form, slots);
    draft.cities.push_back(&city);
  }

  void add_city_state(Draft& draft, Dice& dice, const City& city) const {
    draft.add(dice.pick(kCityState), city_state_slots(city));
    draft.cities.push_back(&city);
  }

  static void add_state_fact(Draft& draft, Dice& dice, const State& state) {
    const std::string_view form = dice.pick(kStateFact);
    draft.add(form, state_slots(state, dice.below(kAttributes)));
  }

  /// Half of the documents ask about one city, some about one state, the others about anything.
  Draft draw(Dice& dice) const {
    Draft draft;
    const double kind = dice.uniform();
    const City& city = dice.pick(facts_.cities());
    const State& state = dice.pick(facts_.states());
    for (std::size_t i = dice.below(3) + 2; i > 0; --i) {
      const double what = dice.uniform();
      if (kind < 0.5) {
        what < 0.85 ? add_two_step(draft, dice, city) : add_city_state(draft, dice, city);
      } else if (kind < 0.6) {
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
    for (const City* city : draft.cities) {
      const std::string_view value = facts_.held_out_value(*city);
      if (!value.empty() && holds_words(draft.document.text, value)) {
        return true;
      }
    }
    return false;
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
