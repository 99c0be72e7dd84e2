// Ideas of two charts of a random model, as swaps.
#include "explain/experiments/idea_swap.h"

#include <map>
#include <set>
#include <tuple>

#include <gmock/gmock.h>

#include "dictionary/load.h"
#include "measure/small_model_test.h"
#include "trace/local_replacement.h"

namespace cajal {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

using Place = std::tuple<std::uint32_t, std::size_t, std::uint32_t>;  // layer, role, feature

Place place_of(const RoledFeature& f) {
  return {f.layer, f.role, f.feature};
}

class IdeaSwapTest : public ::testing::Test {
 protected:
  IdeaSwapTest() {
    testing::write_random_transcoders(folder_.path(),
                                      {.layers = 2, .width = 32, .features = 64, .k = 8});
    subject_.dictionary = load_dictionary(folder_.path());
  }

  static RoledPrompt prompt(TokenId third) {
    RoledPrompt out = {{5, 77, third, 210, 33}, {}};
    for (std::size_t i = 2; i < out.ids.size(); ++i) {
      out.roles.push_back({.position = i, .last = i + 1 == out.ids.size()});
    }
    return out;
  }

  std::map<Place, double> activations(const RoledPrompt& prompt) {
    std::map<Place, double> out;
    for (const RoledFeature& f : features_at_roles(subject_, prompt)) {
      out[place_of(f)] = f.activation;
    }
    return out;
  }

  testing::SmallModel small_ = testing::SmallModel(make_reference_backend());
  testing::TemporaryFolder folder_;
  Subject subject_ = {.backend = *small_.backend,
                      .model = small_.model,
                      .dictionary = nullptr,
                      .tokenizer = small_.tokenizer};
};

TEST_F(IdeaSwapTest, FeaturesBecomeWhatTheyAreInTheDonor) {
  const auto here = activations(prompt(120));
  const auto there = activations(prompt(301));
  const std::vector<IdeaSwap> ideas = idea_swaps(subject_, prompt(120), prompt(301));
  ASSERT_THAT(ideas, Not(IsEmpty()));
  for (const IdeaSwap& idea : ideas) {
    EXPECT_GT(idea.way, 0.0);
    for (const RoledFeature& f : idea.swap.off) {
      EXPECT_EQ(here.at(place_of(f)), f.activation);
      EXPECT_FALSE(there.contains(place_of(f)));
    }
    for (const RoledFeature& f : idea.swap.on) {
      EXPECT_EQ(there.at(place_of(f)), f.activation);
    }
  }
}

TEST_F(IdeaSwapTest, TheLongestWayComesFirst) {
  const std::vector<IdeaSwap> ideas = idea_swaps(subject_, prompt(120), prompt(301));
  ASSERT_THAT(ideas, Not(IsEmpty()));
  for (std::size_t i = 1; i < ideas.size(); ++i) {
    EXPECT_GE(ideas[i - 1].way, ideas[i].way);
  }
}

TEST_F(IdeaSwapTest, PromptsThatAreContinuedAlikeHaveNone) {
  EXPECT_THAT(idea_swaps(subject_, prompt(120), prompt(120)), IsEmpty());
}

TEST_F(IdeaSwapTest, PromptsOfDifferentLengthAreRefused) {
  RoledPrompt longer = prompt(301);
  longer.ids.push_back(7);
  const auto error = testing::thrown_by([&] { idea_swaps(subject_, prompt(120), longer); });
  EXPECT_THAT(error.message, ::testing::HasSubstr("5 and 6 tokens"));
}

TEST(Joined, HoldsEachPlaceOnce) {
  const RoledFeature a = {.layer = 0, .feature = 1, .role = 0, .activation = 1.0};
  const RoledFeature b = {.layer = 1, .feature = 1, .role = 0, .activation = 2.0};
  const RoledFeature c = {.layer = 1, .feature = 1, .role = 1, .activation = 3.0};
  const std::vector<IdeaSwap> ideas = {{{{a}, {b}}, 0.5}, {{{a}, {b, c}}, 0.25}};
  const GroupSwap all = joined(ideas);
  EXPECT_THAT(all.off, ElementsAre(a));
  EXPECT_THAT(all.on, ElementsAre(b, c));
}

}  // namespace
}  // namespace cajal
