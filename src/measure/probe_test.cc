#include "measure/probe.h"

#include <algorithm>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/parallel.h"
#include "measure/small_model_test.h"

namespace cajal {
namespace {

using testing::FakeTask;
using ::testing::HasSubstr;
using testing::SmallModel;
using testing::thrown_by;

/// "The 7 Dallas is", "So 4 Oakland is": the city hides a state, and the first word tells nothing.
FakeTask cities() {
  FakeTask task;
  for (std::size_t i = 0; i < 120; ++i) {
    const bool dallas = i % 8 < 4;
    const std::string start = std::vector<std::string>{"The ", "So ", "of ", "state "}[i % 4];
    const std::string city = dallas ? "Dallas" : "Oakland";
    Question question{.prompt = fmt::format("{}{} {} is", start, i % 9, city),
                      .answer = dallas ? " Texas" : " California",
                      .kind = "where",
                      .form = i % 4};
    const std::size_t end = question.prompt.size() - 3;
    question.hidden = {{end - city.size(), end, "state", dallas ? "Texas" : "California"},
                       {0, start.size() - 1, "nothing", fmt::format("{}", i % 5)}};
    (i % 3 == 0 ? task.train : task.heldout).push_back(question);
  }
  task.seen_aims = {{.kind = "state", .at_least = 0.95, .at_most_in_embeddings = 0.6}};
  return task;
}

const ProbeCurve& curve(const std::vector<ProbeCurve>& curves, std::string_view hidden,
                        ProbePlace place) {
  const auto found = std::find_if(curves.begin(), curves.end(), [&](const ProbeCurve& c) {
    return c.hidden == hidden && c.place == place;
  });
  EXPECT_NE(found, curves.end()) << hidden;
  return *found;
}

TEST(Probe, ReadsATokenOffItsEmbeddingAndNotOffTokensThatAreAlwaysTheSame) {
  const SmallModel small;
  const std::vector<ProbeCurve> all = probe_task(small.asked(), cities());
  const ProbeCurve& end = curve(all, "state", ProbePlace::End);
  ASSERT_EQ(end.points.size(), 3U);
  EXPECT_EQ(end.points[0].point, "embeddings");
  EXPECT_EQ(end.points[0].accuracy, 1.0);
  EXPECT_EQ(end.points[2].point, "resid_post.1");
  EXPECT_GE(end.points[2].accuracy, 0.95) << "two layers mix in what is beside it";
  EXPECT_EQ(end.n, 120U);
  EXPECT_EQ(end.classes, 2U);
  EXPECT_DOUBLE_EQ(end.majority, 0.5);
  EXPECT_EQ(end.passed, false) << "it should not be in the embedding";
  const ProbeCurve& last = curve(all, "state", ProbePlace::Last);
  EXPECT_DOUBLE_EQ(last.points[0].accuracy, 0.5) << "the last token is always the same";
  EXPECT_EQ(last.passed, false) << "the answer is there in the same layer";
  EXPECT_EQ(curve(all, "answer", ProbePlace::Last).classes, 2U);
}

TEST(Probe, ReadsNothingWhereNothingIs) {
  const SmallModel small;
  const ProbeCurve nothing = curve(probe_task(small.asked(), cities()), "nothing", ProbePlace::End);
  for (const ProbePoint& point : nothing.points) {
    EXPECT_LT(point.accuracy, 0.4) << point.point;
  }
  EXPECT_EQ(nothing.classes, 5U);
  EXPECT_FALSE(nothing.passed.has_value());
}

TEST(Probe, EvensOutThingsThatAreOneOfTwo) {
  const SmallModel small;
  FakeTask task = cities();
  std::erase_if(task.heldout, [](const Question& q) {
    return q.answer == " Texas" && q.prompt.find('7') == std::string::npos;
  });
  const ProbeCurve end = curve(probe_task(small.asked(), task), "state", ProbePlace::End);
  EXPECT_LT(end.n, 80U);
  EXPECT_DOUBLE_EQ(end.majority, 0.5);
}

TEST(Probe, LeavesOutValuesThatTheOtherFormsDoNotHave) {
  const SmallModel small;
  FakeTask task = cities();
  for (Question& question : task.heldout) {
    question.hidden[1].value = question.form % 2 == 0 ? "even" : "odd";
  }
  for (Question& question : task.train) {
    question.hidden[1].value = "both";
  }
  const ProbeCurve some = curve(probe_task(small.asked(), task), "nothing", ProbePlace::End);
  EXPECT_EQ(some.n, task.train.size());
  EXPECT_EQ(some.unseen, task.heldout.size());
}

TEST(Probe, TestsOnNewWordsWhereThereAreMany) {
  const SmallModel small;
  FakeTask task;
  for (std::size_t i = 0; i < 400; ++i) {  // numbers, and whether they are even: by heart only
    const std::size_t number = i / 2;
    Question question{.prompt = fmt::format("{}{} is", i % 2 == 0 ? "The " : "So ", number),
                      .answer = " Texas",
                      .kind = "number",
                      .form = i % 2};
    const std::size_t end = question.prompt.size() - 3;
    question.hidden = {{end - fmt::format("{}", number).size(), end, "even",
                        (number * 7919 / 13) % 2 == 0 ? "yes" : "no"}};
    task.heldout.push_back(question);
  }
  const ProbeCurve even = curve(probe_task(small.asked(), task), "even", ProbePlace::End);
  ASSERT_TRUE(even.points[0].new_words.has_value());
  EXPECT_GT(even.points[0].accuracy, *even.points[0].new_words + 0.05);
  EXPECT_NEAR(*even.points[0].new_words, 0.5, 0.15);
  const ProbeCurve state = curve(probe_task(small.asked(), cities()), "state", ProbePlace::End);
  EXPECT_FALSE(state.points[0].new_words.has_value()) << "two words are too few";
}

TEST(Probe, TheSameForAnyNumberOfThreads) {
  const SmallModel small;
  std::set<std::vector<double>> seen;
  const int before = threads();
  for (const int count : {1, 2, 4}) {
    set_threads(count);
    std::vector<double> accuracies;
    for (const ProbeCurve& c : probe_task(small.asked(), cities())) {
      for (const ProbePoint& point : c.points) {
        accuracies.push_back(point.accuracy);
      }
    }
    seen.insert(accuracies);
  }
  set_threads(before);
  EXPECT_EQ(seen.size(), 1U);
}

TEST(Probe, AsksNoMoreThanItIsToldAndCanBeInterrupted) {
  const SmallModel small;
  const auto curves =
      probe_task(small.asked(), cities(), {.split = Split::Heldout, .questions = 20});
  EXPECT_LE(curve(curves, "state", ProbePlace::End).n, 20U);
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(
      thrown_by([&] { probe_task(small.asked(), cities(), {.cancel = stop.get_token()}); }).code,
      ErrorCode::Cancelled);
}

TEST(Probe, IsDrawnWithACellForEveryLayer) {
  const SmallModel small;
  const auto curves = probe_task(small.asked(), cities());
  const std::string svg = to_svg(curves, "a<b");
  EXPECT_THAT(svg, HasSubstr("a&lt;b"));
  std::size_t cells = 0;
  for (std::size_t at = svg.find("<rect x="); at != std::string::npos;
       at = svg.find("<rect x=", at + 1)) {
    ++cells;
  }
  EXPECT_EQ(cells, 3 * curves.size());
}

}  // namespace
}  // namespace cajal
