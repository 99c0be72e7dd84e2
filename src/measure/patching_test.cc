#include "measure/patching.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "measure/continuations.h"
#include "measure/small_model_test.h"

namespace cajal {
namespace {

using testing::FakeTask;
using testing::SmallModel;

/// What the model itself says next, so that it is right.
Question question_about(const SmallModel& small, const std::string& city) {
  Question out{.prompt = "The state containing " + city + " is", .kind = "two-step"};
  const std::size_t begin = out.prompt.find(city);
  out.hidden = {{begin, begin + city.size(), "state", city}};
  const std::vector<ShortPrompt> prompt = {{small.tokenizer->encode_ids(out.prompt), 1}};
  out.answer = greedy_continuations(*small.backend, *small.model, *small.tokenizer, prompt)[0];
  out.longest = 1;
  return out;
}

/// Twins whose cities have as many pieces, and different answers.
FakeTask twins_of(const SmallModel& small) {
  FakeTask task;
  const std::string letters = "abcdefghijklmnopqrstuvwxyz";
  for (std::size_t i = 0; i + 2 < letters.size(); ++i) {
    const Question first = question_about(small, fmt::format("D{}q", letters[i]));
    const Question second = question_about(small, fmt::format("D{}q", letters[i + 1]));
    task.pairs.push_back({first, second, "state", "one", "other"});
  }
  return task;
}

TEST(Patching, OfTheLastLayerActsAtTheLastTokenAlone) {
  const SmallModel small;
  const FakeTask task = twins_of(small);
  const std::vector<PatchCurve> curves = patch_task(small.asked(), task, {.pairs = 4});
  ASSERT_EQ(curves.size(), 3U);
  ASSERT_GT(curves[0].n, 0U) << "the model says the same of every city";
  EXPECT_GE(curves[0].drawn, curves[0].n);
  for (const PatchCurve& curve : curves) {
    EXPECT_EQ(curve.hidden, "state");
    EXPECT_EQ(curve.changed.size(), 2U);
    EXPECT_EQ(curve.changed.back(), curve.place == PatchPlace::Last ? curve.n : 0U)
        << name_of(curve.place);
  }
}

TEST(Patching, LeavesOutPairsThatTheModelDoesNotAnswer) {
  const SmallModel small;
  FakeTask task = twins_of(small);
  for (Twins& pair : task.pairs) {
    pair.second.answer += "?";
  }
  const std::vector<PatchCurve> curves = patch_task(small.asked(), task, {.pairs = 2});
  ASSERT_EQ(curves.size(), 3U);
  EXPECT_EQ(curves[0].n, 0U);
  EXPECT_EQ(curves[0].drawn, 12U);
}

TEST(Patching, HasNothingToSayOfATaskWithoutTwins) {
  const SmallModel small;
  EXPECT_TRUE(patch_task(small.asked(), FakeTask(), {}).empty());
}

TEST(Patching, CanBeStopped) {
  const SmallModel small;
  std::stop_source stop;
  stop.request_stop();
  EXPECT_THROW(patch_task(small.asked(), twins_of(small), {.cancel = stop.get_token()}), Error);
}

}  // namespace
}  // namespace cajal
