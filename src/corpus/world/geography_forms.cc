#include "corpus/world/geography_forms.h"

#include <fmt/format.h>

namespace cajal {
namespace {

constexpr std::size_t kAbbreviation = 1;
static_assert(kStateAttributes[kAbbreviation].column == "abbreviation");

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
  document.spans.push_back({.begin = begin, .end = end, .kind = "state", .value = state});
}

}  // namespace cajal
