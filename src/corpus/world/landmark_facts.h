// Famous places: what five languages call them, where they are, and scenes that point to them
// without the name.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "corpus/world/marked_form.h"
#include "corpus/world/task.h"
#include "corpus/world/word_facts.h"

namespace cajal {

/// What is asked about a landmark; Name: what another language calls it.
enum class LandmarkQuestion : std::uint8_t { City, Country, Continent, Name };
inline constexpr std::array<std::string_view, 4> kLandmarkQuestions = {"city", "country",
                                                                       "continent", "name"};
inline constexpr std::size_t kPlaceQuestions = 3;

struct Landmark {
  std::string name;                                // "Colosseum"
  std::array<std::string, kLanguageCount> called;  // as a subject: "the Colosseum", "le Colisée"
  /// By question and language; empty where there is no one answer.
  std::array<std::array<std::string, kLanguageCount>, kPlaceQuestions> places;
  std::vector<std::string> scenes;           // for training
  std::vector<std::string> held_out_scenes;  // hand-written, too
  std::vector<std::string> cues;             // "gladiators in the sand"
  /// Of its scenes for training and its cues, those that tell it from most others.
  std::vector<std::string> words;
};

/// One sentence about a landmark by its name.
struct LandmarkFact {
  std::size_t landmark = 0;
  std::size_t language = 0;
  LandmarkQuestion question = LandmarkQuestion::City;
  std::size_t form = 0;
  std::size_t target = 0;  // the language of the answer, for Name
  /// The language of the landmark's name, where it is not the one that speaks: "In which city is la
  /// tour Eiffel?" Not for Name.
  std::optional<std::size_t> foreign = std::nullopt;
};

class LandmarkFacts {
 public:
  /// Throws CorruptData naming table and line.
  explicit LandmarkFacts(const Tables& tables);

  const std::vector<Landmark>& landmarks() const noexcept { return landmarks_; }
  std::size_t forms(std::size_t language, LandmarkQuestion question) const {
    return forms_[language][static_cast<std::size_t>(question)].size();
  }
  /// "Colosseum", "Colisée": without the article.
  std::string bare_name(std::size_t landmark, std::size_t language) const;
  /// Empty if the landmark has no one city or continent. Not for Name.
  const std::string& place(const LandmarkFact& fact) const {
    return landmarks_[fact.landmark].places[static_cast<std::size_t>(fact.question)][fact.language];
  }
  /// A seventh of name, language and question, but the same for languages that say it in the same
  /// words. False for Name.
  bool is_held_out(const LandmarkFact& fact) const;
  /// A fifth of the pairs of a landmark's cues is in no training document.
  bool is_held_out(std::size_t landmark, std::size_t cue, std::size_t other) const;
  const MarkedForm& form(const LandmarkFact& fact) const {
    return forms_[fact.language][static_cast<std::size_t>(fact.question)][fact.form];
  }
  std::vector<Slot> slots(const LandmarkFact& fact) const;
  /// What `language` calls `named`: "allemand" for French and German.
  const std::string& language_name(std::size_t language, std::size_t named) const {
    return languages_[language][named];
  }
  const std::vector<std::vector<std::string>>& held_out() const noexcept { return held_out_; }
  std::vector<std::string> whole_words() const;

 private:
  void load_landmarks(const Tables& tables);
  void load_forms(const Tables& tables);
  void load_scenes(const Tables& tables);
  std::size_t find(const Table& table, std::size_t row) const;
  void find_words();
  void find_held_out();
  void hold_out_places(std::size_t landmark);
  void hold_out_cues(std::size_t landmark);

  std::vector<Landmark> landmarks_;
  std::array<std::array<std::vector<MarkedForm>, kLandmarkQuestions.size()>, kLanguageCount> forms_;
  std::array<std::array<std::string, kLanguageCount>, kLanguageCount> languages_;
  std::vector<std::vector<std::string>> held_out_;
};

}  // namespace cajal
