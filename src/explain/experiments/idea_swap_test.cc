// Ideas of two charts of a random model, as swaps.
#include "explain/experiments/idea_swap.h"

#include <map>

#include <gmock/gmock.h>

#include "explain/experiments/subject_test.h"
#include "trace/local_replacement.h"

namespace cajal {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

class IdeaSwapTest : public testing::TranscodedSubjectTest {
 protected:
  IdeaSwapTest() : TranscodedSubjectTest(make_reference_backend()) {}

  static RoledPrompt prompt(TokenId third) {
    RoledPrompt out = {{5, 77, third, 210, 33}, {}};
    for (std::size_t i = 2; i < out.ids.size(); ++i) {
      out.roles.push_back({.position = i, .last = i + 1 == out.ids.size()});
    }
    return out;
  }

  std::map<RoledPlace, double> activations(const RoledPrompt& prompt) {
    std::map<RoledPlace, double> out;
    for (const RoledFeature& f : features_at_roles(subject_, prompt)) {
      out[f.place()] = f.activation;
    }
    return out;
  }
};

TEST_F(IdeaSwapTest, FeaturesBecomeWhatTheyAreInTheDonor) {
  const auto here = activations(prompt(120));
  const auto there = activations(prompt(301));
  const std::vector<IdeaSwap> ideas = idea_swaps(subject_, prompt(120), prompt(301));
  ASSERT_THAT(ideas, Not(IsEmpty()));
  for (const IdeaSwap& idea : ideas) {
    EXPECT_GT(idea.way, 0.0);
    for (const RoledFeature& f : idea.swap.off) {
      EXPECT_EQ(here.at(f.place()), f.activation);
      EXPECT_FALSE(there.contains(f.place()));
    }
    for (const RoledFeature& f : idea.swap.on) {
      EXPECT_EQ(there.at(f.place()), f.activation);
    }
  }
}

TEST_F(IdeaSwapTest, TheLongestWayComesFirst) {
  const std::vector<IdeaSwap> ideas = idea_swaps(subject_, prompt(120), prompt(301));
  ASSERT_THAT(ideas, Not(IsEmpty()));
  for (std::size_t i = 1; i < ideas.size(); ++i) {
    EXPECT_GE(ideas[i - 1].way, ideas[i].way);
  }
  for (const IdeaSwap& one : ideas) {
    EXPECT_TRUE(one.of_prompt || one.of_donor);
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

/// Ideas of one chart or both, each with the way that tells it apart.
IdeaSwap idea(double way, bool of_prompt, bool of_donor) {
  return {.swap = {}, .way = way, .of_prompt = of_prompt, .of_donor = of_donor};
}

std::vector<double> ways_of(const std::vector<IdeaSwap>& ideas) {
  std::vector<double> out;
  for (const IdeaSwap& one : ideas) {
    out.push_back(one.way);
  }
  return out;
}

TEST(OneOfEach, IsAnIdeaOfBothChartsOrOneOffAndOneIn) {
  const IdeaSwap both = idea(0.9, true, true);
  const IdeaSwap in = idea(0.7, false, true);
  const IdeaSwap in_too = idea(0.6, false, true);
  const IdeaSwap off = idea(0.5, true, false);
  EXPECT_THAT(one_of_each({}), IsEmpty());
  EXPECT_THAT(ways_of(one_of_each(std::vector{both, in, off})), ElementsAre(0.9));
  EXPECT_THAT(ways_of(one_of_each(std::vector{in, in_too, both, off})), ElementsAre(0.7, 0.5));
  EXPECT_THAT(ways_of(one_of_each(std::vector{off, in})), ElementsAre(0.5, 0.7));
  EXPECT_THAT(ways_of(one_of_each(std::vector{in, in_too})), ElementsAre(0.7));
}

TEST(Joined, HoldsEachPlaceOnce) {
  const RoledFeature a = {.layer = 0, .feature = 1, .role = 0, .activation = 1.0};
  const RoledFeature b = {.layer = 1, .feature = 1, .role = 0, .activation = 2.0};
  const RoledFeature c = {.layer = 1, .feature = 1, .role = 1, .activation = 3.0};
  const std::vector<IdeaSwap> ideas = {{.swap = {{a}, {b}}, .way = 0.5},
                                       {.swap = {{a}, {b, c}}, .way = 0.25}};
  const GroupSwap all = joined(ideas);
  EXPECT_THAT(all.off, ElementsAre(a));
  EXPECT_THAT(all.on, ElementsAre(b, c));
}

}  // namespace
}  // namespace cajal
