#include "corpus/world/geography_forms.h"

#include <algorithm>

#include <fmt/format.h>

namespace cajal {
namespace {

constexpr std::size_t kAbbreviation = 1;
static_assert(kStateAttributes[kAbbreviation].column == "abbreviation");

constexpr std::array<std::string_view, kMostChoices> kChosen = {"city0", "city1", "city2", "city3"};

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

Slot city_slot(const StateFacts& facts, const City& city) {
  return {.name = "city",
          .text = city.name,
          .meanings = {{"state", facts.state_of(city).name}, {"city", city.name}}};
}

}  // namespace

std::vector<Slot> two_step_slots(const StateFacts& facts, const City& city, std::size_t attribute) {
  std::vector<Slot> out = attribute_slots(attribute, facts.value(city, attribute), city.name);
  out.push_back(city_slot(facts, city));
  out.push_back({.name = "tail", .text = ""});
  return out;
}

Slot draw_tail(Dice& dice, const StateFacts& facts, const City& city, std::string_view form) {
  const State& state = facts.state_of(city);
  const std::vector<Meaning> meanings = {{"state.name", state.name}};
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

std::vector<Slot> city_state_slots(const StateFacts& facts, const City& city) {
  const std::string& state = facts.state_of(city).name;
  return {city_slot(facts, city),
          {.name = "answer",
           .text = state,
           .meanings = {{"state.name", state}, {"fact", fmt::format("{}: state", city.name)}}}};
}

std::vector<const City*> draw_choices(Dice& dice, const StateFacts& facts) {
  constexpr int kTries = 100;  // a table may have cities of two states only
  std::vector<const City*> out;
  const std::size_t count = dice.below(kMostChoices - 1) + 2;
  for (int i = 0; out.size() < count && (out.size() < 2 || i < kTries); ++i) {
    const City& city = dice.pick(facts.cities());
    if (std::none_of(out.begin(), out.end(),
                     [&](const City* other) { return other->state == city.state; })) {
      out.push_back(&city);
    }
  }
  return out;
}

std::size_t append_choice(Document& document, const StateFacts& facts, std::string_view form,
                          const std::vector<const City*>& cities, std::size_t right) {
  std::vector<Slot> slots;
  std::string list;
  for (std::size_t i = 0; i < cities.size(); ++i) {
    list += i == 0 ? "" : i + 1 < cities.size() ? ", " : " and ";
    list += fmt::format("{{{}}}", kChosen[i]);
    slots.push_back(city_slot(facts, *cities[i]));
    slots.back().name = kChosen[i];
  }
  const std::string& state = facts.state_of(*cities[right]).name;
  slots.push_back({.name = "state", .text = state, .meanings = {{"state.name", state}}});
  slots.push_back(city_slot(facts, *cities[right]));
  slots.back().name = "answer";
  slots.back().meanings.emplace_back("fact", fmt::format("{}: state", cities[right]->name));
  constexpr std::string_view kList = "{cities}";
  return append_form(document, std::string(form).replace(form.find(kList), kList.size(), list),
                     slots);
}

std::vector<Slot> state_slots(const State& state, std::size_t attribute) {
  std::vector<Slot> out = attribute_slots(attribute, state.values[attribute], state.name);
  out.push_back({.name = "state", .text = state.name, .meanings = {{"state.name", state.name}}});
  return out;
}

void mark_state(Document& document, std::size_t answer, const std::string& state) {
  constexpr std::string_view kArticle = "the";
  const std::string_view text = document.text;
  const auto word_before = [&](std::size_t space) {
    return text.find_last_of(" \n", space - 1) + 1;
  };
  const std::size_t end = answer - 1;  // without the space
  std::size_t begin = word_before(end);
  if (text.substr(begin, end - begin) == kArticle) {
    begin = word_before(begin - 1);
  }
  document.spans.push_back({.begin = begin, .end = end, .kind = "state.asked", .value = state});
}

}  // namespace cajal
