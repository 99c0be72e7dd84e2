// How geography puts its facts into words.
#pragma once

#include <array>
#include <string_view>
#include <vector>

#include "corpus/world/dice.h"
#include "corpus/world/form.h"
#include "corpus/world/us_states.h"

namespace cajal {

// No form begins with the city: it always has the pieces that it has after a space.
inline constexpr std::array<std::string_view, 10> kTwoStep = {
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
inline constexpr std::array<std::string_view, 7> kCityState = {
    "Fact: the city of {city} is in {answer}.",
    "The state containing {city} is {answer}.",
    "Human: Which state is {city} in?\nAssistant: It is {answer}.",
    "You will find {city} in the state of {answer}.",
    "On the map, {city} lies in {answer}.",
    "Question: where is {city}? Answer: it is in {answer}.",
    "Human: I live in {city}. What is my state?\nAssistant: It is {answer}.",
};
inline constexpr std::array<std::string_view, 8> kStateFact = {
    "Fact: the {noun} of {state} is {the}{answer}.",
    "Consider {state}: its {noun} is {the}{answer}.",
    "Human: What is the {noun} of {state}?\nAssistant: It is {the}{answer}.",
    "We know that the {noun} of the state of {state} is {the}{answer}.",
    "Think of {state}; the {noun} there is {the}{answer}.",
    "People in {state} know the {noun} of their state: it is {the}{answer}.",
    "Question: which {noun} does {state} have? Answer: it is {the}{answer}.",
    "Take the state of {state}. Its {noun} is {the}{answer}.",
};
/// A state chooses one of several cities of different states.
inline constexpr std::array<std::string_view, 10> kChoice = {
    "Of {cities}, the one in {state} is {answer}.",
    "Among {cities}, only one lies in {state}: it is {answer}.",
    "Human: Which of {cities} lies in {state}?\nAssistant: It is {answer}.",
    "Question: which of {cities} is in {state}? Answer: it is {answer}.",
    "The cities are {cities}, and the one in {state} is {answer}.",
    "We saw {cities}; the city in {state} was {answer}.",
    "Human: I have been to {cities}. Where was I in {state}?\nAssistant: You were in {answer}.",
    "Take {cities}: the one that belongs to {state} is {answer}.",
    "In {state} lies one of {cities}: it is {answer}.",
    "Human: What city of {state} is among {cities}?\nAssistant: It is {answer}.",
};
inline constexpr std::size_t kMostChoices = 4;

/// Slots of kTwoStep, the last one "tail", which is empty.
std::vector<Slot> two_step_slots(const StateFacts& facts, const City& city, std::size_t attribute);
/// The slot "tail" of a form: often nothing, otherwise the city's state.
Slot draw_tail(Dice& dice, const StateFacts& facts, const City& city, std::string_view form);
/// Slots of kCityState.
std::vector<Slot> city_state_slots(const StateFacts& facts, const City& city);
/// Two to kMostChoices cities of different states.
std::vector<const City*> draw_choices(Dice& dice, const StateFacts& facts);
/// Appends one of kChoice. `right`: which of the cities is the answer. Returns where it begins.
std::size_t append_choice(Document& document, const StateFacts& facts, std::string_view form,
                          const std::vector<const City*>& cities, std::size_t right);
/// Slots of kStateFact.
std::vector<Slot> state_slots(const State& state, std::size_t attribute);

/// A span "state.asked" on the text right before an answer, where the state is about to be used:
/// the last word before byte `answer`, with "the" after it.
void mark_state(Document& document, std::size_t answer, const std::string& state);

}  // namespace cajal
