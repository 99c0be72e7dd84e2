#include "service/learn_recipe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace cajal {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

template <typename Run>
std::string message_of(const Run& run) {
  try {
    run();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

// A checkpoint keeps the recipe, and one from before a field was there must go on.
TEST(LearnRecipe, DoesNotSayThatNothingIsNestedOrRandom) {
  LearnRecipe recipe;
  EXPECT_EQ(to_json(recipe).at("dictionary", "").find("prefixes"), nullptr);
  EXPECT_EQ(to_json(recipe).at("dictionary", "").find("decoder"), nullptr);
  recipe.dictionary.prefixes = "64";
  recipe.dictionary.decoder = "random";
  EXPECT_EQ(to_json(recipe).at("dictionary", "").at("prefixes", "").as_string(""), "64");
  EXPECT_EQ(to_json(recipe).at("dictionary", "").at("decoder", "").as_string(""), "random");
}

TEST(LearnRecipe, ReadsListsOfLayers) {
  EXPECT_THAT(layers_from("", 3), ElementsAre(0, 1, 2));
  EXPECT_THAT(layers_from("3,0-1", 4), ElementsAre(0, 1, 3));
}

TEST(LearnRecipe, NamesLayersThatAreNot) {
  EXPECT_THAT(message_of([] { layers_from("0-4", 4); }), HasSubstr("0 to 4 are not among 0 to 3"));
  EXPECT_THAT(message_of([] { layers_from("0-", 4); }), HasSubstr("'0-' is no list"));
}

TEST(LearnRecipe, ReadsTheKOfLayers) {
  const std::vector<std::size_t> layers = {0, 1, 3};
  EXPECT_THAT(k_of_layers_from("", 7.0, layers, 4), ElementsAre(7.0, 7.0, 7.0));
  EXPECT_THAT(k_of_layers_from("0-1: 8, 3:20.5", 7.0, layers, 4), ElementsAre(8.0, 8.0, 20.5));
  EXPECT_THAT(k_of_layers_from("3:2", 7.0, layers, 4), ElementsAre(7.0, 7.0, 2.0));
  // layer 2 is not learned
  EXPECT_THAT(k_of_layers_from("2-3:2", 7.0, layers, 4), ElementsAre(7.0, 7.0, 2.0));
}

TEST(LearnRecipe, RefusesWhatIsNoKOfLayers) {
  const std::vector<std::size_t> layers = {0, 1, 3};
  for (const char* text : {"8", "0:", "0:-1", "0:0", "0:nan", "0:8x", "x:8"}) {
    EXPECT_THAT(message_of([&] { k_of_layers_from(text, 7.0, layers, 4); }),
                HasSubstr("is no list"))
        << text;
  }
  EXPECT_THAT(message_of([&] { k_of_layers_from(":8", 7.0, layers, 4); }), HasSubstr("no layer"));
  EXPECT_THAT(message_of([&] { k_of_layers_from("3-1:8", 7.0, layers, 4); }),
              HasSubstr("k_of_layers: 3 to 1 are not among 0 to 3"));
  EXPECT_THAT(message_of([&] { k_of_layers_from("0-3: 8, 2: 9", 7.0, layers, 4); }),
              HasSubstr("layer 2 is named twice"));
}

TEST(LearnRecipe, EndsPrefixesWithAllFeatures) {
  EXPECT_THAT(prefixes_from("64,256", 1536), ElementsAre(64, 256, 1536));
  EXPECT_TRUE(prefixes_from("", 1536).empty());
}

TEST(LearnRecipe, RefusesPrefixesThatDoNotNest) {
  for (const char* text : {"256,64", "0", "64,64", "1536", "a", "-1", "64,,128"}) {
    EXPECT_THAT(message_of([&] { prefixes_from(text, 1536); }),
                HasSubstr("below the 1536 features"))
        << text;
  }
}

}  // namespace
}  // namespace cajal
