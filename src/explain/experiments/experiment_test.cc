#include "explain/experiments/experiment.h"

#include <set>

#include <gmock/gmock.h>

#include "base/error.h"
#include "testing/files.h"

namespace cajal {
namespace {

using ::testing::HasSubstr;

ExperimentResult made_up_result() {
  return {.name = "two-step",
          .question = "Is it so?",
          .observations = {{"the answer changes", "swapped", {9, 10}},
                           {"the answer changes", "control", {0, 10}, 0.25}},
          .goals = {{"at least 80 %", true}, {"at most 5 %", false}}};
}

TEST(Experiment, NamesAreTheirOwn) {
  std::set<std::string_view> names;
  for (const ExperimentEntry& entry : experiments()) {
    EXPECT_EQ(&experiment_named(entry.name), &entry);
    names.insert(entry.name);
  }
  EXPECT_EQ(names.size(), experiments().size());
}

TEST(Experiment, AnUnknownNameIsToldTheNearest) {
  const auto error = testing::thrown_by([] { experiment_named("two-steps"); });
  EXPECT_EQ(error.code, ErrorCode::NotFound);
  EXPECT_THAT(error.message, HasSubstr("nearest is 'two-step'"));
}

TEST(Experiment, IsReachedIfEveryGoalIs) {
  ExperimentResult result = made_up_result();
  EXPECT_FALSE(result.reached());
  result.goals.pop_back();
  EXPECT_TRUE(result.reached());
}

TEST(Experiment, JsonHasSharesWithTheirIntervals) {
  const Json json = to_json(made_up_result());
  const std::string text = json.dump();
  EXPECT_THAT(text, HasSubstr("\"right\":9,\"n\":10,\"share\":0.9,\"low\":0.59"));
  EXPECT_THAT(text, HasSubstr("\"mean\":0.25"));
  EXPECT_THAT(text, HasSubstr("\"mean\":null"));
}

TEST(Experiment, ThePictureEscapesTexts) {
  ExperimentResult result = made_up_result();
  result.observations[0].what = "a < b & c";
  const std::string svg = to_svg(result);
  EXPECT_THAT(svg, HasSubstr("a &lt; b &amp; c"));
  EXPECT_THAT(svg, HasSubstr("90 %"));
}

TEST(Experiment, AFigureHasItsMiddleAndItsEnds) {
  const ExperimentFigure figure = figure_of("x", {3.0, 1.0, 2.0, 5.0, 4.0});
  EXPECT_EQ(figure.n, 5U);
  EXPECT_DOUBLE_EQ(figure.median, 3.0);
  EXPECT_DOUBLE_EQ(figure.low, 1.2);
  EXPECT_DOUBLE_EQ(figure.high, 4.8);
  EXPECT_DOUBLE_EQ(figure.largest, 5.0);
  EXPECT_EQ(figure_of("none", {}).n, 0U);
}

}  // namespace
}  // namespace cajal
