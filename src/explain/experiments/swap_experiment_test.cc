// What a result of swaps says, on cases whose outcome is known.
#include "explain/experiments/swap_experiment.h"

#include <array>

#include <gmock/gmock.h>

#include "explain/experiments/subject_test.h"

namespace cajal {
namespace {

using ::testing::ElementsAre;

constexpr std::array<bool, 2> kSucceeds = {true, false};

class SwapExperimentTest : public testing::SubjectTest {
 protected:
  /// Nothing is changed in any case; `succeeds` decides.
  ExperimentResult run(std::span<const bool> succeeds) {
    std::vector<SwapCase> cases;
    for (const bool right : succeeds) {
      SwapCase& one = cases.emplace_back();
      one.prompt = roled_prompt(subject_, "The state containing Dallas is", 0, 0);
      one.donor = roled_prompt(subject_, "The state containing Oakland is", 0, 0);
      one.bytes = 1;
      one.succeeds = [right](std::string_view) { return right; };
    }
    const std::array<SwapSetting, 2> settings = {SwapSetting{.where = "here"},
                                                 SwapSetting{.where = "there"}};
    ExperimentResult out{.name = "fake"};
    run_swaps(subject_,
              {.development = cases,
               .cases = cases,
               .settings = settings,
               .patched = settings,
               .success = "it is so",
               .aim = "at least half",
               .least = 0.5},
              {}, out);
    return out;
  }
};

TEST_F(SwapExperimentTest, ObservesSwapsTheirControlsAndPatchesOfEveryLayer) {
  const ExperimentResult result = run(kSucceeds);
  std::vector<std::string> conditions;
  for (const Observation& one : result.observations) {
    EXPECT_EQ(one.what, "it is so");
    EXPECT_EQ(one.rate.right, 1U);
    EXPECT_EQ(one.rate.n, 2U);
    conditions.push_back(one.condition);
  }
  EXPECT_THAT(conditions,
              ElementsAre("swapped", "control", "unchanged", "resid_post.0 from the donor, here",
                          "resid_post.1 from the donor, here", "resid_post.0 from the donor, there",
                          "resid_post.1 from the donor, there"));
}

TEST_F(SwapExperimentTest, AimsAtSuccessOfTheSwapAndNotOfTheControl) {
  const ExperimentResult half = run(kSucceeds);
  ASSERT_EQ(half.goals.size(), 2U);
  EXPECT_EQ(half.goals[0].text, "at least half");
  EXPECT_TRUE(half.goals[0].reached);
  EXPECT_FALSE(half.goals[1].reached);  // the control succeeds as often
  const ExperimentResult none = run(std::span(kSucceeds).last(1));
  EXPECT_FALSE(none.goals[0].reached);
  EXPECT_TRUE(none.goals[1].reached);
}

TEST_F(SwapExperimentTest, SaysWhichSettingWasChosenAmongWhich) {
  const ExperimentResult result = run(kSucceeds);
  EXPECT_EQ(result.tried.size(), 2U);
  EXPECT_EQ(result.setting, result.tried.front().name);
  EXPECT_EQ(result.examples.size(), 2U);
}

}  // namespace
}  // namespace cajal
