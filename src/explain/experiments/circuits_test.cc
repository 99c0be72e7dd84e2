// Twins of a task that a test made up, on a random model.
#include "explain/experiments/circuits.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "base/error.h"
#include "explain/experiments/circuit_cases.h"
#include "explain/experiments/subject_test.h"

namespace cajal {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::SizeIs;

/// Every answer is right.
class Lenient final : public testing::FakeTask {
 public:
  bool accepts(const Question&, std::string_view) const override { return true; }
};

class CircuitsTest : public testing::TranscodedSubjectTest {
 protected:
  CircuitsTest() {
    for (const std::string word : {"of", "in", "is"}) {
      task_.pairs.push_back(
          twins("The state " + word + " Dallas is", "The state " + word + " Oakland is"));
    }
  }

  static Twins twins(const std::string& first, const std::string& second) {
    return {.first = {.prompt = first, .answer = " Texas", .kind = "two-step"},
            .second = {.prompt = second, .answer = " California", .kind = "two-step"},
            .kind = "state",
            .first_value = "Texas",
            .second_value = "California"};
  }

  Lenient task_;
};

TEST_F(CircuitsTest, APairIsDrawnOnce) {
  TwinCases source(subject_, task_, {});
  EXPECT_THAT(source.next(2).at("state"), SizeIs(2));
  EXPECT_EQ(source.drawn("state"), 2U);
  EXPECT_THAT(source.next(5).at("state"), SizeIs(1));
}

TEST_F(CircuitsTest, PairsOfOtherLengthsOrOneAnswerAreNotUsed) {
  task_.pairs = {twins("The state of Dallas is", "The state of Oakland California is"),
                 twins("Dallas", "Dallas")};
  TwinCases source(subject_, task_, {});
  EXPECT_THAT(source.next(2).at("state"), SizeIs(0));
  EXPECT_EQ(source.drawn("state"), 2U);
}

TEST_F(CircuitsTest, EveryKindHasTheChartsIdeasAndTheContrast) {
  std::vector<std::string> told;
  const Task* task = &task_;
  const std::vector<CircuitScore> scores =
      score_circuits(subject_, std::span(&task, 1),
                     {.pairs = 2, .development = 1, .progress = [&](std::string_view what) {
                        told.emplace_back(what);
                      }});
  ASSERT_THAT(scores, SizeIs(1));
  for (const InterchangeScore& score : {scores[0].one_idea, scores[0].ideas, scores[0].contrast}) {
    EXPECT_EQ(score.swapped.n, 2U);
    EXPECT_EQ(score.swapped.right, 2U);  // all is right
    EXPECT_EQ(score.control.n, 2U);
    EXPECT_THAT(score.setting, HasSubstr("strength 1"));
  }
  EXPECT_LE(scores[0].one_idea.ideas, 2.0);
  EXPECT_THAT(scores[0].one_idea.setting, HasSubstr("of each chart the idea that goes furthest"));
  EXPECT_THAT(told, Contains("fake: 1 pairs of twins read"));
  EXPECT_THAT(to_json(scores).dump(), HasSubstr(R"("kind":"state")"));
}

TEST_F(CircuitsTest, StopsWhenToldTo) {
  std::stop_source stop;
  stop.request_stop();
  const Task* task = &task_;
  const auto error = testing::thrown_by(
      [&] { score_circuits(subject_, std::span(&task, 1), {.cancel = stop.get_token()}); });
  EXPECT_EQ(error.code, ErrorCode::Cancelled);
}

}  // namespace
}  // namespace cajal
