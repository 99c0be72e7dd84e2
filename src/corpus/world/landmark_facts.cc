#include "corpus/world/landmark_facts.h"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "corpus/world/whole_words.h"

namespace cajal {
namespace {

constexpr std::uint64_t kFactFolds = 7;
constexpr std::uint64_t kCueFolds = 5;
// "the" and "over" point to nothing
constexpr std::size_t kShortestWord = 4;
constexpr std::size_t kMostLandmarksOfAWord = 3;
constexpr std::array<std::string_view, 8> kArticles = {"the ", "la ",  "le ",  "l'",
                                                       "el ",  "der ", "die ", "das "};

std::size_t language_at(const Table& table, std::size_t row) {
  const std::size_t language = language_of(table.at(row, 0));
  if (language == kLanguageCount) {
    table.fail_at(row, fmt::format("'{}' is none of en, fr, es, de, zh", table.at(row, 0)));
  }
  return language;
}

/// Runs of letters, where every byte of a character past ASCII is a letter.
std::vector<std::string_view> words_of(std::string_view text) {
  const auto is_letter = [](char c) {
    const char lower = static_cast<char>(c | 0x20);
    return (lower >= 'a' && lower <= 'z') || (static_cast<unsigned char>(c) & 0x80U) != 0;
  };
  std::vector<std::string_view> out;
  for (std::size_t i = 0; i < text.size();) {
    std::size_t end = i;
    while (end < text.size() && is_letter(text[end])) {
      ++end;
    }
    if (end > i) {
      out.push_back(text.substr(i, end - i));
    }
    i = end + 1;
  }
  return out;
}

/// Of each place by its English name.
std::map<std::string, std::array<std::string, kLanguageCount>> load_places(const Tables& tables) {
  const Table table = tables.table("landmark_places", {"en", "fr", "es", "de", "zh"});
  std::map<std::string, std::array<std::string, kLanguageCount>> out;
  for (std::size_t row = 0; row < table.rows(); ++row) {
    for (std::size_t l = 0; l < kLanguageCount; ++l) {
      out[table.at(row, 0)][l] = table.at(row, l);
    }
  }
  return out;
}

/// What a place is called in all languages, up to the first that has no word for it.
void append_places(std::vector<std::string>& out,
                   const std::array<std::string, kLanguageCount>& places) {
  for (std::size_t l = 0; l < kLanguageCount && !places[l].empty(); ++l) {
    if (l == kChinese) {
      out.push_back(places[l]);
    } else {
      append_whole_words(out, places[l]);
    }
  }
}

}  // namespace

LandmarkFacts::LandmarkFacts(const Tables& tables) {
  load_landmarks(tables);
  load_forms(tables);
  load_scenes(tables);
  find_words();
  const Table names = tables.table("languages", {"language", "en", "fr", "es", "de", "zh"});
  for (std::size_t row = 0; row < names.rows(); ++row) {
    for (std::size_t l = 0; l < kLanguageCount; ++l) {
      languages_[language_at(names, row)][l] = names.at(row, l + 1);
    }
  }
  find_held_out();
}

void LandmarkFacts::load_landmarks(const Tables& tables) {
  const auto places = load_places(tables);
  const Table table = tables.table(
      "landmarks", {"landmark", "city", "country", "continent", "en", "fr", "es", "de", "zh"});
  for (std::size_t row = 0; row < table.rows(); ++row) {
    Landmark landmark;
    landmark.name = table.at(row, 0);
    for (std::size_t l = 0; l < kLanguageCount; ++l) {
      landmark.called[l] = table.at(row, l + 1 + kPlaceQuestions);
    }
    for (std::size_t q = 0; q < kPlaceQuestions; ++q) {
      const std::string& place = table.at(row, q + 1);
      const auto found = places.find(place);
      if (found != places.end()) {
        landmark.places[q] = found->second;
      } else if (place != "-") {
        table.fail_at(row, fmt::format("'{}' is not in world/landmark_places.tsv", place));
      }
    }
    landmarks_.push_back(std::move(landmark));
  }
}

void LandmarkFacts::load_forms(const Tables& tables) {
  const Table table = tables.table("landmark_forms", {"language", "question", "form"});
  for (std::size_t row = 0; row < table.rows(); ++row) {
    const auto* const question =
        std::find(kLandmarkQuestions.begin(), kLandmarkQuestions.end(), table.at(row, 1));
    if (question == kLandmarkQuestions.end()) {
      table.fail_at(row, fmt::format("'{}' is no question about a landmark", table.at(row, 1)));
    }
    forms_[language_at(table, row)][static_cast<std::size_t>(question - kLandmarkQuestions.begin())]
        .push_back(parse_marked_form(table, row, 2, {"ame}", "{answer}"}));
  }
  for (const auto& questions : forms_) {
    for (const auto& forms : questions) {
      if (forms.size() < 2) {
        table.fail_at(0, "each question needs two forms at least in each language");
      }
    }
  }
}

std::size_t LandmarkFacts::find(const Table& table, std::size_t row) const {
  const auto found = std::find_if(landmarks_.begin(), landmarks_.end(),
                                  [&](const Landmark& l) { return l.name == table.at(row, 0); });
  if (found == landmarks_.end()) {
    table.fail_at(row, fmt::format("'{}' is not in world/landmarks.tsv", table.at(row, 0)));
  }
  return static_cast<std::size_t>(found - landmarks_.begin());
}

void LandmarkFacts::load_scenes(const Tables& tables) {
  const Table scenes = tables.table("landmark_scenes", {"landmark", "split", "scene"});
  for (std::size_t row = 0; row < scenes.rows(); ++row) {
    Landmark& landmark = landmarks_[find(scenes, row)];
    const bool train = scenes.at(row, 1) == "train";
    if (!train && scenes.at(row, 1) != "heldout") {
      scenes.fail_at(row, fmt::format("'{}' is neither train nor heldout", scenes.at(row, 1)));
    }
    (train ? landmark.scenes : landmark.held_out_scenes).push_back(scenes.at(row, 2));
  }
  const Table cues = tables.table("landmark_cues", {"landmark", "cue"});
  for (std::size_t row = 0; row < cues.rows(); ++row) {
    landmarks_[find(cues, row)].cues.push_back(cues.at(row, 1));
  }
  for (const Landmark& landmark : landmarks_) {
    if (landmark.scenes.empty() || landmark.cues.size() < 3) {
      scenes.fail_at(0, fmt::format("'{}' needs a scene and three cues", landmark.name));
    }
  }
}

void LandmarkFacts::find_words() {
  std::map<std::string, std::set<std::size_t>> landmarks_with;
  for (std::size_t i = 0; i < landmarks_.size(); ++i) {
    std::vector<std::string> texts = landmarks_[i].scenes;
    texts.insert(texts.end(), landmarks_[i].cues.begin(), landmarks_[i].cues.end());
    for (const std::string& text : texts) {
      for (const std::string_view word : words_of(text)) {
        landmarks_with[std::string(word)].insert(i);
      }
    }
  }
  for (const auto& [word, with] : landmarks_with) {
    for (const std::size_t i : with) {
      if (word.size() >= kShortestWord && with.size() <= kMostLandmarksOfAWord) {
        landmarks_[i].words.push_back(word);
      }
    }
  }
}

std::string LandmarkFacts::bare_name(std::size_t landmark, std::size_t language) const {
  const std::string& name = landmarks_[landmark].called[language];
  for (const std::string_view article : kArticles) {
    if (name.starts_with(article)) {
      return name.substr(article.size());
    }
  }
  return name;
}

bool LandmarkFacts::is_held_out(const LandmarkFact& fact) const {
  if (fact.question == LandmarkQuestion::Name || place(fact).empty()) {
    return false;
  }
  return held_out_fold(fmt::format("{}/{}", bare_name(fact.landmark, fact.language), place(fact)),
                       kFactFolds) == 0;
}

bool LandmarkFacts::is_held_out(std::size_t landmark, std::size_t cue, std::size_t other) const {
  const std::vector<std::string>& cues = landmarks_[landmark].cues;
  const auto [first, second] = std::minmax(cue, other);
  return held_out_fold(fmt::format("{}/{}", cues[first], cues[second]), kCueFolds) == 0;
}

void LandmarkFacts::find_held_out() {
  for (std::size_t i = 0; i < landmarks_.size(); ++i) {
    hold_out_places(i);
    for (const std::string& scene : landmarks_[i].held_out_scenes) {
      held_out_.push_back({scene});
    }
    hold_out_cues(i);
  }
}

void LandmarkFacts::hold_out_places(std::size_t landmark) {
  for (std::size_t j = 0; j < kLanguageCount * kPlaceQuestions; ++j) {
    const LandmarkFact fact{.landmark = landmark,
                            .language = j / kPlaceQuestions,
                            .question = static_cast<LandmarkQuestion>(j % kPlaceQuestions)};
    if (is_held_out(fact)) {
      held_out_.push_back({bare_name(landmark, fact.language), place(fact)});
    }
  }
}

void LandmarkFacts::hold_out_cues(std::size_t landmark) {
  const std::vector<std::string>& cues = landmarks_[landmark].cues;
  for (std::size_t a = 0; a < cues.size(); ++a) {
    for (std::size_t b = a + 1; b < cues.size(); ++b) {
      if (is_held_out(landmark, a, b)) {
        held_out_.push_back({cues[a], cues[b]});
      }
    }
  }
}

std::vector<Slot> LandmarkFacts::slots(const LandmarkFact& fact) const {
  const Landmark& landmark = landmarks_[fact.landmark];
  const std::string question(kLandmarkQuestions[static_cast<std::size_t>(fact.question)]);
  const bool by_name = fact.question == LandmarkQuestion::Name;
  const std::string language(kLanguages[by_name ? fact.target : fact.language]);
  const std::size_t spoken = fact.foreign.value_or(fact.language);
  const std::string& name = landmark.called[spoken];
  const std::vector<Meaning> meant = {{"landmark", landmark.name},
                                      {"language", std::string(kLanguages[spoken])}};
  // what the answer will mean: a place by its English name
  const Meaning known =
      by_name
          ? meant[0]
          : Meaning{question, landmark.places[static_cast<std::size_t>(fact.question)][kEnglish]};
  const bool quotes = by_name && fact.target == kChinese;
  const std::string taught =
      by_name ? fmt::format("{}: from {} to {}", landmark.name, kLanguages[fact.language], language)
              : fmt::format("{}: {} in {}", landmark.name, question, language);
  return {
      {.name = "name", .text = name, .meanings = meant},
      {.name = "Name", .text = capitalised(name), .meanings = meant},
      {.name = "language",
       .text = languages_[fact.language][fact.target],
       .meanings = {{"language", language}}},
      {.name = "mark", .text = form(fact).mark, .meanings = {asked(known), {"language", language}}},
      {.name = "answer",
       .text = by_name ? landmark.called[fact.target] : place(fact),
       .meanings = {known, {"language", language}, {"fact", taught}},
       .before = quotes ? "“" : "",
       .after = quotes ? "”" : ""}};
}

std::vector<std::string> LandmarkFacts::whole_words() const {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < landmarks_.size(); ++i) {
    if (const std::string name = bare_name(i, kEnglish); name.find(' ') == std::string::npos) {
      out.push_back(" " + name);
    }
    for (const auto& places : landmarks_[i].places) {
      append_places(out, places);
    }
  }
  return out;
}

}  // namespace cajal
