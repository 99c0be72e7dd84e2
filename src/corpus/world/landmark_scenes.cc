#include "corpus/world/landmark_scenes.h"

#include <fmt/format.h>

namespace cajal {
namespace {

constexpr std::array<std::string_view, kPlaceQuestions> kWhere = {
    "Human: {scene} Which city am I in?\n{mark} {answer}.",
    "Human: {scene} Which country am I in?\n{mark} {answer}.",
    "Human: {scene} Which continent am I on?\n{mark} {answer}.",
};
constexpr std::array<std::string_view, kCueForms> kTwoCues = {
    "I see {a} and {b}.",
    "It is the place with {a} and with {b}.",
    "My picture shows {a} and {b}.",
    "We came for {a} and stayed for {b}.",
    "Think of {a}; think of {b}.",
    "First we had {a}, then {b}.",
    "I remember {a} and {b}.",
    "The guide told us about {a} and about {b}.",
};

Slot scene_slot(const LandmarkFacts& facts, const Scene& scene) {
  return {.name = "scene",
          .text = scene.text,
          .meanings = {{"landmark", facts.landmarks()[scene.landmark].name}}};
}

}  // namespace

Scene scene_of_cues(const LandmarkFacts& facts, std::size_t landmark, std::size_t cue,
                    std::size_t other, std::size_t form) {
  const std::vector<std::string>& cues = facts.landmarks()[landmark].cues;
  Document text;
  append_form(text, kTwoCues[form],
              {{.name = "a", .text = cues[cue]}, {.name = "b", .text = cues[other]}});
  return {.landmark = landmark, .text = std::move(text.text)};
}

Scene scene_of_words(const LandmarkFacts& facts, std::size_t landmark, Dice& dice) {
  std::string text;
  for (std::size_t i = dice.below(3) + 2; i > 0; --i) {
    text += dice.pick(facts.landmarks()[landmark].words);
    text += i > 1 ? ", " : ".";
  }
  return {.landmark = landmark, .text = std::move(text)};
}

std::vector<Slot> scene_slots(const LandmarkFacts& facts, const Scene& scene, std::size_t form) {
  const Landmark& landmark = facts.landmarks()[scene.landmark];
  const Meaning meant = {"landmark", landmark.name};
  return {scene_slot(facts, scene),
          {.name = "mark", .text = std::string(kSceneForms[form].mark), .meanings = {asked(meant)}},
          {.name = "answer",
           .text = kSceneForms[form].article ? landmark.called[kEnglish]
                                             : facts.bare_name(scene.landmark, kEnglish),
           .meanings = {meant, {"fact", fmt::format("{}: scene", landmark.name)}}}};
}

std::string_view where_form(LandmarkQuestion question) {
  return kWhere[static_cast<std::size_t>(question)];
}

std::vector<Slot> where_slots(const LandmarkFacts& facts, const Scene& scene,
                              const LandmarkFact& fact) {
  const std::string_view question = kLandmarkQuestions[static_cast<std::size_t>(fact.question)];
  const std::string& place = facts.place(fact);
  const Meaning known = {std::string(question), place};
  return {scene_slot(facts, scene),
          {.name = "mark", .text = std::string(kAssistant), .meanings = {asked(known)}},
          {.name = "answer",
           .text = place,
           .meanings = {known,
                        {"fact", fmt::format("{}: {} of scene",
                                             facts.landmarks()[scene.landmark].name, question)}}}};
}

}  // namespace cajal
