#include <algorithm>
#include <map>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "corpus/world/landmark_places.h"
#include "corpus/world/landmark_scenes.h"
#include "corpus/world/registry.h"
#include "corpus/world/whole_words.h"
#include "testing/files.h"

namespace cajal {
namespace {

const LandmarkFacts& landmark_facts() {
  static const LandmarkFacts instance(Tables::embedded());
  return instance;
}

TEST(Landmarks, NoSceneSaysTheName) {
  for (std::size_t i = 0; i < landmark_facts().landmarks().size(); ++i) {
    const Landmark& landmark = landmark_facts().landmarks()[i];
    std::vector<std::string> texts = landmark.scenes;
    texts.insert(texts.end(), landmark.held_out_scenes.begin(), landmark.held_out_scenes.end());
    texts.insert(texts.end(), landmark.cues.begin(), landmark.cues.end());
    for (const std::string& text : texts) {
      for (std::size_t l = 0; l < kLanguageCount; ++l) {
        EXPECT_FALSE(holds_words(text, landmark_facts().bare_name(i, l))) << text;
      }
    }
  }
}

TEST(Landmarks, TwentyWithEightScenesAndMoreThatAreHeldOut) {
  EXPECT_GE(landmark_facts().landmarks().size(), 20);
  for (const Landmark& landmark : landmark_facts().landmarks()) {
    EXPECT_GE(landmark.scenes.size(), 8) << landmark.name;
    EXPECT_GE(landmark.held_out_scenes.size(), 2) << landmark.name;
    EXPECT_GE(landmark.cues.size(), 6) << landmark.name;
  }
}

TEST(Landmarks, HeldOutQuestionsAreAskedInEveryLanguageAndAboutEveryKindOfPlace) {
  std::set<std::size_t> languages;
  std::set<LandmarkQuestion> questions;
  for (std::size_t i = 0;
       i < landmark_facts().landmarks().size() * kLanguageCount * kPlaceQuestions; ++i) {
    const LandmarkFact fact{.landmark = i / kPlaceQuestions / kLanguageCount,
                            .language = i / kPlaceQuestions % kLanguageCount,
                            .question = static_cast<LandmarkQuestion>(i % kPlaceQuestions)};
    if (landmark_facts().is_held_out(fact)) {
      languages.insert(fact.language);
      questions.insert(fact.question);
    }
  }
  EXPECT_EQ(languages.size(), kLanguageCount);
  EXPECT_EQ(questions.size(), kPlaceQuestions);
}

TEST(Landmarks, EveryLandmarkIsSeenByNameInEachLanguageAndInScenes) {
  const auto task = make_landmarks(Tables::embedded());
  std::map<std::string, int> seen;
  for (std::uint64_t i = 0; i < 20000; ++i) {
    for (const Span& span : task->generate(Split::Train, 8, i).spans) {
      if (span.kind == "fact") {
        ++seen[span.value];
      }
    }
  }
  for (const Landmark& landmark : landmark_facts().landmarks()) {
    EXPECT_GT(seen[landmark.name + ": scene"], 200) << landmark.name;
    for (const std::string_view language : kLanguages) {
      int count = 0;
      for (const std::string question : {"city", "country", "continent"}) {
        count += seen[landmark.name + ": " + question + " in " + std::string(language)];
      }
      EXPECT_GT(count, 20) << landmark.name << " in " << language;
    }
  }
}

TEST(Landmarks, PlacesAreToldWithoutAnyLandmark) {
  const LandmarkPlaces places(Tables::embedded());
  std::map<std::string, int> seen;
  for (std::uint64_t i = 0; i < 5000; ++i) {
    Dice dice(4, "places", i);
    Document document;
    places.append(document, dice, landmark_facts(), i % landmark_facts().landmarks().size());
    for (const Landmark& landmark : landmark_facts().landmarks()) {
      for (const std::string& name : landmark.called) {
        EXPECT_FALSE(holds_words(document.text, name)) << document.text;
      }
    }
    ++seen[document.text];
  }
  for (const char* text : {"Pékin se trouve ici : Chine.", "In German, Beijing is called Peking.",
                           "Human: 日本在哪里？\nAssistant: 答案是：亚洲。",
                           "Auf Englisch heißt USA so: the United States.",
                           "The United States is in North America."}) {
    EXPECT_GT(seen[text], 0) << text;
  }
}

TEST(Landmarks, APlaceCarriesWhatItIs) {
  Document document;
  const LandmarkPlaces places(Tables::embedded());
  for (std::uint64_t i = 0; document.text != "Wo liegt Paris? Hier: Frankreich."; ++i) {
    ASSERT_LT(i, 5000);
    document = {};
    Dice dice(4, "places", i);
    places.append(document, dice, landmark_facts(), 0);
  }
  std::vector<std::string> spans;
  for (const Span& span : document.spans) {
    spans.push_back(std::string(covered(document.text, span)) + " " + span.kind + "=" + span.value);
  }
  EXPECT_THAT(spans, ::testing::ElementsAre("Paris city=Paris", "Paris language=de",
                                            "Hier: country.asked=France", "Hier: language=de",
                                            "Frankreich country=France", "Frankreich language=de",
                                            "Frankreich fact=Paris: in what, in de"));
}

TEST(Landmarks, ASceneCarriesTheLandmarkThatItDoesNotName) {
  const Scene scene = scene_of_cues(landmark_facts(), 0, 0, 1, 0);
  Document document;
  append_form(document, kSceneForms[0].form, scene_slots(landmark_facts(), scene, 0));
  EXPECT_EQ(document.text, "I see a lattice of iron and four iron legs. This is the Eiffel Tower.");
  ASSERT_FALSE(document.spans.empty());
  EXPECT_EQ(covered(document.text, document.spans[0]),
            "I see a lattice of iron and four iron legs.");
  EXPECT_EQ(document.spans[0].kind, "landmark");
  EXPECT_EQ(document.spans[0].value, "Eiffel Tower");
}

TEST(Landmarks, AForeignNameIsAskedForInTheLanguageThatAnswers) {
  const LandmarkFact fact{
      .landmark = 0, .language = kEnglish, .question = LandmarkQuestion::City, .foreign = 1};
  Document document;
  append_form(document, landmark_facts().form(fact).form, landmark_facts().slots(fact));
  EXPECT_EQ(document.text, "La tour Eiffel is in the city of Paris.");
}

TEST(Landmarks, TheWordsOfALandmarkTellItFromMostOthers) {
  const std::vector<std::string>& words = landmark_facts().landmarks()[0].words;
  EXPECT_THAT(words, ::testing::IsSupersetOf({"Seine", "lattice", "iron", "Trocadero"}));
  EXPECT_THAT(words, ::testing::Not(::testing::Contains("that")));
  for (const Landmark& landmark : landmark_facts().landmarks()) {
    EXPECT_GE(landmark.words.size(), 20) << landmark.name;
  }
}

TEST(Landmarks, ASceneOfAnUnknownLandmarkIsAnErrorThatNamesTheLine) {
  Tables tables = Tables::embedded();
  tables.set("landmark_scenes", "landmark\tsplit\tscene\nAtlantis\ttrain\tWater.\n");
  const auto thrown = testing::thrown_by([&] { static_cast<void>(make_landmarks(tables)); });
  EXPECT_EQ(thrown.code, ErrorCode::CorruptData);
  EXPECT_THAT(thrown.message, ::testing::HasSubstr("line 2: 'Atlantis'"));
}

}  // namespace
}  // namespace cajal
