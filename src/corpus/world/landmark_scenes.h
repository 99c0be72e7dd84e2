// Scenes at a landmark, as sentences that end in its name or where it is. In English.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "corpus/world/landmark_facts.h"

namespace cajal {

struct SceneForm {
  std::string_view form;
  std::string_view mark;
  bool article;  // "This is the Colosseum", "Landmark: Colosseum"
};
inline constexpr std::array<SceneForm, 8> kSceneForms = {{
    {"{scene} {mark} {answer}.", "This is", true},
    {"Scene: {scene}\n{mark} {answer}.", "Landmark:", false},
    {"Human: {scene} Which landmark is this?\n{mark} {answer}.", "Assistant:", false},
    {"Human: Which landmark do I mean? {scene}\n{mark} {answer}.", "Assistant:", false},
    {"{scene} The place that I mean {mark} {answer}.", "is", true},
    {"Guess the landmark: {scene} {mark} {answer}.", "Answer:", false},
    {"Human: Guess where I am. {scene}\nAssistant: You are {mark} {answer}.", "at", true},
    {"A postcard: {scene} Greetings {mark} {answer}.", "from", true},
}};
/// How many ways there are to put two cues together.
inline constexpr std::size_t kCueForms = 8;

/// A text, and the landmark that it points to.
struct Scene {
  std::size_t landmark = 0;
  std::string text;
};

/// "I see a glass pyramid and the Mona Lisa."; `form` below kCueForms.
Scene scene_of_cues(const LandmarkFacts& facts, std::size_t landmark, std::size_t cue,
                    std::size_t other, std::size_t form);

/// "Lattice, Seine, iron.": two to four of the landmark's words, which need not be different.
Scene scene_of_words(const LandmarkFacts& facts, std::size_t landmark, Dice& dice);

/// For kSceneForms[form].
std::vector<Slot> scene_slots(const LandmarkFacts& facts, const Scene& scene, std::size_t form);

/// The form that asks where a scene is, and its slots. `fact`: of the scene's landmark, in English,
/// with a place.
std::string_view where_form(LandmarkQuestion question);
std::vector<Slot> where_slots(const LandmarkFacts& facts, const Scene& scene,
                              const LandmarkFact& fact);

}  // namespace cajal
