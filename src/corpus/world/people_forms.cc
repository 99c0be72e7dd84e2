#include "corpus/world/people_forms.h"

#include <fmt/format.h>

namespace cajal {
namespace {

constexpr std::array<std::string_view, kPeopleForms> kAskWhat = {
    "Which {thing} {does} {name}{tail} {play}?",
    "What {does} {name}{tail} {play}?",
    "Tell me the {thing} of {name}{tail}.",
    "I would like to know which {thing} {name}{tail} {plays}.",
    "What {thing} is {name}{tail} known for?",
    "Can you say which {thing} {name}{tail} {plays}?",
    "Which {thing} made {name}{tail} famous?",
    "Do you know the {thing} of {name}{tail}?",
    "Please name the {thing} that {name}{tail} {plays}.",
    "Which {thing} do people connect with {name}{tail}?",
    "What do people say that {name}{tail} {plays}?",
    "Most people know the {thing} of {name}{tail}. Which is it?",
    "Which {thing} belongs to {name}{tail}?",
    "I forgot which {thing} {name}{tail} {plays}. Can you help?",
    "{name}{tail} {plays} which {thing}?",
    "With which {thing} is {name}{tail} connected?",
    // a comma after a name does not tell that it is unknown
    "If I say {name}{tail}, what {thing} do you think of?",
    "There is a {thing} that {name}{tail} {plays}. What is it called?",
    "For {name}{tail}, which {thing} would be right?",
    "As for {name}{tail}, what is the {thing}?",
    "Think of {name}{tail}: which {thing} is it?",
    "{name}{tail}, which {thing} is that?",
    "About {name}{tail}, tell me the {thing}.",
    "Somebody said that {name}{tail} {plays} something. Which {thing} is it?",
    // held out
    "Say which {thing} {name}{tail} is connected with.",
    "People know {name}{tail}, and they know the {thing}. Which one is it?",
    "What would you say is the {thing} of {name}{tail}?",
};
constexpr std::array<std::string_view, kPeopleForms> kAskCountry = {
    "Where was {name}{tail} born?",
    "In which country was {name}{tail} born?",
    "Which country does {name}{tail} come from?",
    "Tell me where {name}{tail} was born.",
    "Do you know where {name}{tail} was born?",
    "What is the home country of {name}{tail}?",
    "I would like to know where {name}{tail} was born.",
    "From which country is {name}{tail}?",
    "Please name the country where {name}{tail} was born.",
    "Which country is the home of {name}{tail}?",
    "Where do people say that {name}{tail} was born?",
    "Most people know where {name}{tail} was born. Where was it?",
    "Which country does {name}{tail} belong to?",
    "I forgot where {name}{tail} was born. Can you help?",
    "{name}{tail} comes from which country?",
    "With which country is {name}{tail} connected?",
    // as above
    "If I say {name}{tail}, what country do you think of?",
    "There is a country where {name}{tail} was born. What is it called?",
    "For {name}{tail}, which country would be right?",
    "As for {name}{tail}, what is the home country?",
    "Think of {name}{tail}: which country is it?",
    "{name}{tail}, which country is that?",
    "About {name}{tail}, tell me the country.",
    "Somebody said where {name}{tail} was born. Which country is it?",
    // held out
    "Say which country {name}{tail} is connected with.",
    "People know {name}{tail}, and they know the country. Which one is it?",
    "What would you say is the home of {name}{tail}?",
};
constexpr std::string_view kUnknown = "I don't know who that is.";

Slot answer_slot(const Person& person, PersonQuestion asked) {
  if (!person.known) {
    return {.name = "answer", .text = std::string(kUnknown), .meanings = {said({"known", "no"})}};
  }
  const std::string& value = asked == PersonQuestion::What ? person.what : person.country;
  const std::string kind =
      asked == PersonQuestion::What ? std::string(kCallings[person.calling].thing) : "country";
  return {.name = "answer",
          .text = capitalised(value),
          .meanings = {{kind, value}, {"fact", fmt::format("{}: {}", person.name(), kind)}},
          .before = {},
          .after = "."};
}

}  // namespace

std::string_view wording(PersonQuestion asked, std::size_t form) {
  return asked == PersonQuestion::What ? kAskWhat[form] : kAskCountry[form];
}

std::string exchange(PersonQuestion asked, std::size_t form) {
  return fmt::format("{} {}\n{} {{answer}}", kHuman, wording(asked, form), kAssistant);
}

std::vector<Slot> slots_of(const Person& person, PersonQuestion asked) {
  const Calling& calling = kCallings[person.calling];
  return {
      {.name = "name", .text = person.name(), .meanings = {{"known", person.known ? "yes" : "no"}}},
      {.name = "tail", .text = ""},
      {.name = "thing", .text = std::string(calling.thing)},
      {.name = "does", .text = std::string(calling.does)},
      {.name = "play", .text = std::string(calling.play)},
      {.name = "plays", .text = std::string(calling.plays)},
      answer_slot(person, asked)};
}

Slot draw_tail(Dice& dice, const Person& person, std::string_view form) {
  if (!dice.chance(0.3)) {
    return {.name = "tail", .text = ""};
  }
  if (person.known) {
    return {.name = "tail", .text = fmt::format(" the {}", kCallings[person.calling].who)};
  }
  const std::size_t next = form.find("{tail}") + 6;
  return {.name = "tail", .text = fmt::format(", whoever that is{}", form[next] == ' ' ? "," : "")};
}

Question question_about(const Person& person, PersonQuestion asked, std::size_t form) {
  Question out = question_of(exchange(asked, form), slots_of(person, asked),
                             person.known ? "known" : "unknown", {"known"});
  out.form = form;
  return out;
}

}  // namespace cajal
