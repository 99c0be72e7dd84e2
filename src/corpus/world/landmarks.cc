// Landmarks by name in five languages, and by scenes that do not name them.
//
// Held out are combinations of a name, its language and a question; hand-written scenes; and pairs
// of cues for scenes that are put together. No training document holds them together in any form,
// so a scene does not say a city that must not be learned.
#include <fmt/format.h>

#include "corpus/world/landmark_facts.h"
#include "corpus/world/landmark_places.h"
#include "corpus/world/landmark_scenes.h"
#include "corpus/world/registry.h"
#include "corpus/world/whole_words.h"

namespace cajal {
namespace {

class Landmarks final : public Task {
 public:
  explicit Landmarks(const Tables& tables) : facts_(tables), places_(tables) {
    for (std::size_t i = 0; i < facts_.landmarks().size(); ++i) {
      for (const std::string& scene : facts_.landmarks()[i].held_out_scenes) {
        held_out_scenes_.push_back({.landmark = i, .text = scene});
      }
    }
    for (const LandmarkFact& fact : place_facts()) {
      (facts_.is_held_out(fact) ? held_out_facts_ : train_facts_).push_back(fact);
    }
  }

  std::string_view name() const override { return "landmarks"; }
  std::string_view summary() const override {
    return "landmarks by name in five languages, and by scenes that do not name them";
  }
  double weight() const override { return 2.6; }

  Document generate(Split split, std::uint64_t seed, std::uint64_t index) const override {
    Dice dice(seed, fmt::format("landmarks/{}", name_of(split)), index);
    Document out;
    if (split == Split::Heldout) {
      if (dice.chance(0.5)) {
        add_fact(out, with_form(dice, dice.pick(held_out_facts_)));
      } else {
        const std::size_t form = dice.below(kSceneForms.size());
        add_scene(out, dice.pick(held_out_scenes_), form);
      }
      return out;
    }
    while (true) {
      out = draw(dice);
      if (!holds_any(out.text, facts_.held_out())) {
        return out;
      }
    }
  }

  std::vector<Question> questions(Split split) const override {
    std::vector<Question> out;
    for (const LandmarkFact& fact : split == Split::Train ? train_facts_ : held_out_facts_) {
      const std::size_t forms = facts_.forms(fact.language, fact.question);
      LandmarkFact asked = fact;
      asked.form = out.size() % forms;
      out.push_back(fact_question(asked));
      if (split == Split::Heldout) {
        asked.form = (asked.form + 1) % forms;
        out.push_back(fact_question(asked));
      }
    }
    add_scene_questions(out, split);
    return out;
  }

  Twins twins(std::uint64_t seed, std::uint64_t index) const override {
    Dice dice(seed, "landmarks/twins", index);
    return dice.chance(0.5) ? fact_twins(dice) : scene_twins(dice);
  }

  std::vector<std::string> whole_words() const override { return facts_.whole_words(); }
  std::vector<std::vector<std::string>> held_out() const override { return facts_.held_out(); }
  std::vector<Aim> aims() const override {
    return {{.kind = "name", .at_least = 0.95},
            {.kind = "scene", .at_least = 0.85},
            {.kind = "cues", .at_least = 0.85}};
  }

 private:
  /// All that can be asked by name.
  std::vector<LandmarkFact> place_facts() const {
    std::vector<LandmarkFact> out;
    for (std::size_t i = 0; i < facts_.landmarks().size() * kLanguageCount * kPlaceQuestions; ++i) {
      const LandmarkFact fact{.landmark = i / kPlaceQuestions / kLanguageCount,
                              .language = i / kPlaceQuestions % kLanguageCount,
                              .question = static_cast<LandmarkQuestion>(i % kPlaceQuestions)};
      if (!facts_.place(fact).empty()) {
        out.push_back(fact);
      }
    }
    return out;
  }

  LandmarkFact with_form(Dice& dice, LandmarkFact fact) const {
    fact.form = dice.below(facts_.forms(fact.language, fact.question));
    return fact;
  }

  static void add_line_break(Document& out) { out.text += out.text.empty() ? "" : "\n"; }

  void add_fact(Document& out, const LandmarkFact& fact) const {
    add_line_break(out);
    append_form(out, facts_.form(fact).form, facts_.slots(fact));
  }

  void add_scene(Document& out, const Scene& scene, std::size_t form) const {
    add_line_break(out);
    append_form(out, kSceneForms[form].form, scene_slots(facts_, scene, form));
  }

  void add_where(Document& out, Dice& dice, const Scene& scene) const {
    const LandmarkFact fact{.landmark = scene.landmark,
                            .language = kEnglish,
                            .question = static_cast<LandmarkQuestion>(dice.below(kPlaceQuestions))};
    if (facts_.place(fact).empty() || facts_.is_held_out(fact)) {
      return add_scene(out, scene, dice.below(kSceneForms.size()));
    }
    add_line_break(out);
    append_form(out, where_form(fact.question), where_slots(facts_, scene, fact));
  }

  Scene draw_scene(Dice& dice, std::size_t landmark) const {
    const Landmark& facts = facts_.landmarks()[landmark];
    const double kind = dice.uniform();
    if (kind < 0.4) {
      return {.landmark = landmark, .text = dice.pick(facts.scenes)};
    }
    if (kind < 0.7) {
      return scene_of_words(facts_, landmark, dice);
    }
    while (true) {
      const std::size_t a = dice.below(facts.cues.size());
      const std::size_t b = dice.below(facts.cues.size());
      if (a != b && !facts_.is_held_out(landmark, a, b)) {
        return scene_of_cues(facts_, landmark, a, b, dice.below(kCueForms));
      }
    }
  }

  std::size_t draw_landmark(Dice& dice) const { return dice.below(facts_.landmarks().size()); }

  LandmarkFact draw_called(Dice& dice, std::size_t landmark) const {
    while (true) {
      const LandmarkFact fact{.landmark = landmark,
                              .language = dice.below(kLanguageCount),
                              .question = LandmarkQuestion::Name,
                              .target = dice.below(kLanguageCount)};
      if (fact.language != fact.target) {
        return with_form(dice, fact);
      }
    }
  }

  /// Any place of the landmark, whose name is in another language than the answer: these facts are
  /// too many to be known but by way of the landmark.
  LandmarkFact draw_foreign(Dice& dice, std::size_t landmark) const {
    while (true) {
      const LandmarkFact fact{
          .landmark = landmark,
          .language = dice.below(kLanguageCount),
          .question = static_cast<LandmarkQuestion>(dice.below(kPlaceQuestions)),
          .foreign = dice.below(kLanguageCount)};
      if (fact.foreign != fact.language && !facts_.place(fact).empty()) {
        return with_form(dice, fact);
      }
    }
  }

  Document draw(Dice& dice) const {
    Document out;
    const double kind = dice.uniform();
    const LandmarkFact subject = dice.pick(train_facts_);
    for (std::size_t i = dice.below(3) + 1; i > 0; --i) {
      if (kind < 0.12) {
        add_line_break(out);
        places_.append(out, dice, facts_, subject.landmark);
      } else if (kind < 0.19) {
        add_fact(out, draw_called(dice, subject.landmark));
      } else if (kind < 0.37) {
        add_fact(out, draw_foreign(dice, subject.landmark));
      } else if (kind < 0.7) {
        LandmarkFact fact = dice.pick(train_facts_);
        while (kind < 0.54 && fact.landmark != subject.landmark) {
          fact = dice.pick(train_facts_);
        }
        add_fact(out, with_form(dice, fact));
      } else if (kind < 0.92) {
        const std::size_t form = dice.below(kSceneForms.size());
        add_scene(out, draw_scene(dice, draw_landmark(dice)), form);
      } else {
        add_where(out, dice, draw_scene(dice, draw_landmark(dice)));
      }
    }
    return out;
  }

  Question fact_question(const LandmarkFact& fact) const {
    Question out = question_of(facts_.form(fact).form, facts_.slots(fact), "name", {"landmark"});
    out.form = fact.form;
    return out;
  }

  Question scene_question(const Scene& scene, std::size_t form, std::string_view kind) const {
    Question out =
        question_of(kSceneForms[form].form, scene_slots(facts_, scene, form), kind, {"landmark"});
    out.form = form;
    return out;
  }

  void add_scene_questions(std::vector<Question>& out, Split split) const {
    for (std::size_t i = 0; i < facts_.landmarks().size(); ++i) {
      const Landmark& landmark = facts_.landmarks()[i];
      for (const std::string& scene :
           split == Split::Train ? landmark.scenes : landmark.held_out_scenes) {
        const std::size_t form = out.size() % (kSceneForms.size() / 2) * 2;
        out.push_back(scene_question({.landmark = i, .text = scene}, form, "scene"));
        out.push_back(scene_question({.landmark = i, .text = scene}, form + 1, "scene"));
      }
      for (std::size_t a = 0; a < landmark.cues.size(); ++a) {
        for (std::size_t b = a + 1; b < landmark.cues.size(); ++b) {
          if (facts_.is_held_out(i, a, b) == (split == Split::Heldout)) {
            out.push_back(scene_question(scene_of_cues(facts_, i, a, b, (a + b) % kCueForms),
                                         out.size() % kSceneForms.size(), "cues"));
          }
        }
      }
    }
  }

  Twins twins_of(std::size_t first, Question one, std::size_t second, Question other) const {
    return {.first = std::move(one),
            .second = std::move(other),
            .kind = "landmark",
            .first_value = facts_.landmarks()[first].name,
            .second_value = facts_.landmarks()[second].name};
  }

  /// The same question about another landmark, with another answer.
  Twins fact_twins(Dice& dice) const {
    const LandmarkFact first = with_form(dice, dice.pick(train_facts_));
    LandmarkFact second = first;
    while (facts_.place(second).empty() || facts_.is_held_out(second) ||
           facts_.place(second) == facts_.place(first)) {
      second.landmark = draw_landmark(dice);
    }
    return twins_of(first.landmark, fact_question(first), second.landmark, fact_question(second));
  }

  Twins scene_twins(Dice& dice) const {
    const std::size_t first = draw_landmark(dice);
    std::size_t second = draw_landmark(dice);
    while (second == first) {
      second = draw_landmark(dice);
    }
    const std::size_t form = dice.below(kSceneForms.size());
    const std::size_t cues = dice.below(kCueForms);
    return twins_of(first, scene_question(scene_of_cues(facts_, first, 0, 1, cues), form, "cues"),
                    second,
                    scene_question(scene_of_cues(facts_, second, 0, 1, cues), form, "cues"));
  }

  LandmarkFacts facts_;
  LandmarkPlaces places_;
  std::vector<LandmarkFact> train_facts_;
  std::vector<LandmarkFact> held_out_facts_;
  std::vector<Scene> held_out_scenes_;
};

}  // namespace

std::unique_ptr<Task> make_landmarks(const Tables& tables) {
  return std::make_unique<Landmarks>(tables);
}

}  // namespace cajal
