#include "corpus/world/landmark_places.h"

#include <fmt/format.h>

namespace cajal {
namespace {

bool has(const Landmark& landmark, LandmarkQuestion place) {
  return !landmark.places[static_cast<std::size_t>(place)][kEnglish].empty();
}

LandmarkQuestion draw_place(Dice& dice, const Landmark& landmark) {
  while (true) {
    const auto place = static_cast<LandmarkQuestion>(dice.below(kPlaceQuestions));
    if (has(landmark, place)) {
      return place;
    }
  }
}

/// What a place in some language means: its English name as what it is, and the language.
std::vector<Meaning> meanings_of(const Landmark& landmark, std::size_t place,
                                 std::size_t language) {
  return {{std::string(kLandmarkQuestions[place]), landmark.places[place][kEnglish]},
          {"language", std::string(kLanguages[language])}};
}

/// "In German, Beijing is called Peking."
void append_name(Document& out, Dice& dice, const LandmarkFacts& facts, const Landmark& landmark,
                 LandmarkQuestion place) {
  const std::size_t language = dice.below(kLanguageCount);
  const std::size_t target = (language + 1 + dice.below(kLanguageCount - 1)) % kLanguageCount;
  LandmarkFact worded{.language = language, .question = LandmarkQuestion::Name, .target = target};
  worded.form = dice.below(facts.forms(language, LandmarkQuestion::Name));
  const auto which = static_cast<std::size_t>(place);
  const std::string& name = landmark.places[which][language];
  const std::vector<Meaning> named = meanings_of(landmark, which, language);
  const std::vector<Meaning> known = meanings_of(landmark, which, target);
  std::vector<Meaning> taught = known;
  taught.emplace_back("fact", fmt::format("{}: from {} to {}", landmark.places[which][kEnglish],
                                          kLanguages[language], kLanguages[target]));
  append_form(
      out, facts.form(worded).form,
      {{.name = "name", .text = name, .meanings = named},
       {.name = "Name", .text = capitalised(name), .meanings = named},
       {.name = "language",
        .text = facts.language_name(language, target),
        .meanings = {{"language", std::string(kLanguages[target])}}},
       {.name = "mark", .text = facts.form(worded).mark, .meanings = {asked(known[0]), known[1]}},
       {.name = "answer",
        .text = landmark.places[which][target],
        .meanings = taught,
        .before = target == kChinese ? "“" : "",
        .after = target == kChinese ? "”" : ""}});
}

}  // namespace

LandmarkPlaces::LandmarkPlaces(const Tables& tables) {
  const Table table = tables.table("landmark_place_forms", {"language", "form"});
  for (std::size_t row = 0; row < table.rows(); ++row) {
    const std::size_t language = language_of(table.at(row, 0));
    if (language == kLanguageCount) {
      table.fail_at(row, fmt::format("'{}' is none of en, fr, es, de, zh", table.at(row, 0)));
    }
    forms_[language].push_back(parse_marked_form(table, row, 1, {"lace}", "{answer}"}));
  }
  for (const auto& forms : forms_) {
    if (forms.empty()) {
      table.fail_at(0, "each language needs a form");
    }
  }
}

void LandmarkPlaces::append(Document& out, Dice& dice, const LandmarkFacts& facts,
                            std::size_t landmark) const {
  const Landmark& subject = facts.landmarks()[landmark];
  const LandmarkQuestion place = draw_place(dice, subject);
  const bool within =
      place == LandmarkQuestion::City ||
      (place == LandmarkQuestion::Country && has(subject, LandmarkQuestion::Continent));
  if (within && dice.chance(0.5)) {
    append_where(out, dice, subject, place);
  } else {
    append_name(out, dice, facts, subject, place);
  }
}

void LandmarkPlaces::append_where(Document& out, Dice& dice, const Landmark& landmark,
                                  LandmarkQuestion from) const {
  const std::size_t language = dice.below(kLanguageCount);
  const MarkedForm& form = dice.pick(forms_[language]);
  const auto inner = static_cast<std::size_t>(from);
  const std::string& name = landmark.places[inner][language];
  const std::vector<Meaning> named = meanings_of(landmark, inner, language);
  const std::vector<Meaning> known = meanings_of(landmark, inner + 1, language);
  std::vector<Meaning> taught = known;
  taught.emplace_back("fact", fmt::format("{}: in what, in {}", landmark.places[inner][kEnglish],
                                          kLanguages[language]));
  append_form(
      out, form.form,
      {{.name = "place", .text = name, .meanings = named},
       {.name = "Place", .text = capitalised(name), .meanings = named},
       {.name = "mark", .text = form.mark, .meanings = {asked(known[0]), known[1]}},
       {.name = "answer", .text = landmark.places[inner + 1][language], .meanings = taught}});
}

}  // namespace cajal
