#include "measure/world_score.h"

#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/parallel.h"
#include "measure/continuations.h"
#include "measure/small_model_test.h"
#include "model/generate.h"

namespace cajal {
namespace {

using ::testing::ElementsAre;
using testing::FakeTask;
using testing::SmallModel;
using testing::thrown_by;

/// What the model says after `prompt`, by generate(): one prompt at a time.
std::string said_alone(const SmallModel& small, const std::string& prompt, std::size_t tokens) {
  const std::vector<std::vector<TokenId>> prompts = {small.tokenizer->encode_ids(prompt)};
  const auto out = generate(*small.backend, *small.model, nullptr, prompts, {.max_tokens = tokens});
  std::string text;
  for (const TokenId id : out[0].ids) {
    text += small.tokenizer->bytes_of(id);
  }
  return text;
}

/// Questions that the model answers, by whatever it says.
std::vector<Question> easy_questions(const SmallModel& small, std::size_t count,
                                     const std::string& kind) {
  std::vector<Question> out;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string prompt = fmt::format("{} {} is", i % 2 == 0 ? "Dallas" : "Oakland", i);
    out.push_back({.prompt = prompt, .answer = said_alone(small, prompt, 1 + i % 4), .kind = kind});
  }
  return out;
}

KindScore only_score(const SmallModel& small, const FakeTask& task,
                     const WorldScoreOptions& options = {}) {
  const Task* tasks[] = {&task};
  const std::vector<KindScore> scores = score_world(small.asked(), tasks, options);
  EXPECT_EQ(scores.size(), 1U);
  return scores.at(0);
}

TEST(WorldScore, WhatTheModelSaysItselfIsRight) {
  for (auto* make : {make_cpu_backend, make_reference_backend}) {
    const SmallModel small(make());
    FakeTask task;
    task.heldout = easy_questions(small, 40, "easy");
    const KindScore score = only_score(small, task);
    EXPECT_EQ(score.right, 40U);
    EXPECT_EQ(score.n, 40U);
    EXPECT_TRUE(score.misses.empty());
  }
}

TEST(WorldScore, CountsOtherAnswersAsWrongAndShowsThem) {
  const SmallModel small;
  FakeTask task;
  task.heldout = easy_questions(small, 20, "easy");
  task.heldout[3].answer += "x";  // more than it said
  task.heldout[3].longest = task.heldout[3].answer.size() - 1;
  task.heldout[7].answer[0] ^= 1;
  const KindScore score = only_score(small, task);
  EXPECT_EQ(score.right, 18U);
  EXPECT_DOUBLE_EQ(score.score(), 0.9);
  ASSERT_EQ(score.misses.size(), 2U);
  EXPECT_EQ(score.misses[1].prompt, task.heldout[7].prompt);
  EXPECT_EQ(score.misses[1].said, said_alone(small, score.misses[1].prompt, 4));
}

TEST(WorldScore, WantsAsMuchAsTheAnswerUnlessTheQuestionSaysMore) {
  EXPECT_EQ(wanted_bytes({.prompt = "Dallas is", .answer = "here", .kind = "any"}), 4U);
  EXPECT_EQ(wanted_bytes({.prompt = "Dallas is", .answer = "?", .kind = "any", .longest = 12}),
            12U);
}

TEST(WorldScore, LetsTheTaskJudgeAsManyBytesAsItWants) {
  struct Picky final : FakeTask {
    bool accepts(const Question& question, std::string_view said) const override {
      return said.size() >= question.longest;
    }
  } task;
  const SmallModel small;
  task.heldout = {{.prompt = "Dallas is", .answer = "?", .kind = "any", .longest = 12}};
  EXPECT_EQ(only_score(small, task).right, 1U);
}

TEST(WorldScore, KeepsKindsSplitsAndAimsApart) {
  const SmallModel small;
  FakeTask task;
  task.heldout = {{.prompt = "Dallas is", .answer = "\x01", .kind = "b"},
                  {.prompt = "Oakland is", .answer = "\x01", .kind = "a"}};
  task.train = {{.prompt = "Dallas is", .answer = "\x01", .kind = "a"},
                {.prompt = "Dallas is", .answer = "\x01", .kind = "aimed"}};
  task.score_aims = {{.kind = "aimed", .split = Split::Train, .at_least = 0.5},
                     {.kind = "a", .at_least = 0.0}};
  const Task* tasks[] = {&task};
  const auto shown = [&](std::optional<Split> split) {
    std::vector<std::string> out;
    for (const KindScore& s : score_world(small.asked(), tasks, {.split = split})) {
      out.push_back(
          fmt::format("{} {} {}", s.kind, name_of(s.split), s.passed() ? "ok" : "missed"));
    }
    return out;
  };
  EXPECT_THAT(shown(std::nullopt),
              ElementsAre("b heldout ok", "a heldout ok", "aimed train missed"));
  EXPECT_THAT(shown(Split::Heldout), ElementsAre("b heldout ok", "a heldout ok"));
  EXPECT_THAT(shown(Split::Train), ElementsAre("a train ok", "aimed train missed"));
}

TEST(WorldScore, AsksNoMoreThanItIsTold) {
  const SmallModel small;
  FakeTask task;
  task.heldout = easy_questions(small, 30, "easy");
  const KindScore score = only_score(small, task, {.questions = 7});
  EXPECT_EQ(score.n, 7U);
  EXPECT_EQ(score.right, 7U);
}

TEST(WorldScore, CountsQuestionsBeyondTheContextAsWrong) {
  const SmallModel small;
  FakeTask task;
  task.heldout = easy_questions(small, 2, "easy");
  task.heldout.push_back({.prompt = std::string(200, 'q'), .answer = "\x01", .kind = "easy"});
  const KindScore score = only_score(small, task);
  EXPECT_EQ(score.right, 2U);
  EXPECT_EQ(score.too_long, 1U);
}

TEST(WorldScore, TheSameForAnyNumberOfThreads) {
  const SmallModel small;
  std::vector<ShortPrompt> prompts;
  for (int i = 0; i < 300; ++i) {
    prompts.push_back({small.tokenizer->encode_ids(fmt::format("Dallas {} is", i)), 20});
  }
  std::set<std::vector<std::string>> seen;
  const int before = threads();
  for (const int count : {1, 2, 4}) {
    set_threads(count);
    seen.insert(greedy_continuations(*small.backend, *small.model, *small.tokenizer, prompts));
  }
  set_threads(before);
  EXPECT_EQ(seen.size(), 1U);
}

TEST(WorldScore, TellsHowFarItIs) {
  const SmallModel small;
  FakeTask task;
  task.heldout.assign(300, {.prompt = "Dallas is", .answer = "?", .kind = "any"});
  std::vector<std::size_t> told;
  only_score(small, task, {.progress = [&](std::size_t done, std::size_t total) {
               EXPECT_EQ(total, 300U);
               told.push_back(done);
             }});
  EXPECT_THAT(told, ElementsAre(256U, 300U));
}

TEST(WorldScore, CanBeInterrupted) {
  const SmallModel small;
  FakeTask task;
  task.heldout = easy_questions(small, 2, "easy");
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(thrown_by([&] { only_score(small, task, {.cancel = stop.get_token()}); }).code,
            ErrorCode::Cancelled);
}

TEST(Continuations, EndBeforeAStopIdAndWithTheContext) {
  const SmallModel small;
  const std::vector<TokenId> ids = small.tokenizer->encode_ids("Dallas is");
  const std::string all = said_alone(small, "Dallas is", 40 - ids.size() + 1);
  const auto said = [&](std::size_t bytes, std::vector<TokenId> stop) {
    const ShortPrompt prompts[] = {{ids, bytes}};
    return greedy_continuations(*small.backend, *small.model, *small.tokenizer, prompts,
                                {.stop = std::move(stop)})[0];
  };
  EXPECT_EQ(said(10000, {}), all);
  EXPECT_EQ(said(0, {}), "");
  const std::vector<std::vector<TokenId>> prompts = {ids};
  const auto ours = generate(*small.backend, *small.model, nullptr, prompts, {.max_tokens = 3});
  EXPECT_EQ(said(10000, {ours[0].ids[0]}), "");
}

TEST(Chosen, AreDistinctInOrderAndOfTheSeed) {
  const std::vector<std::size_t> some = chosen(1000, 50, 1, "a");
  EXPECT_EQ(some.size(), 50U);
  EXPECT_TRUE(std::is_sorted(some.begin(), some.end()));
  EXPECT_EQ(std::set<std::size_t>(some.begin(), some.end()).size(), 50U);
  EXPECT_LT(some.back(), 1000U);
  EXPECT_NE(some, chosen(1000, 50, 2, "a"));
  EXPECT_NE(some, chosen(1000, 50, 1, "b"));
  EXPECT_EQ(some, chosen(1000, 50, 1, "a"));
  EXPECT_EQ(chosen(3, 0, 1, "a"), (std::vector<std::size_t>{0, 1, 2}));
}

}  // namespace
}  // namespace cajal
