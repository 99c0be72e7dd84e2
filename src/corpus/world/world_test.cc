// What holds for every task, present and future.
#include "corpus/world/world.h"

#include <algorithm>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/utf8.h"
#include "corpus/world/registry.h"
#include "corpus/world/us_states.h"
#include "testing/files.h"

namespace cajal {
namespace {

constexpr std::uint64_t kSample = 4000;

const World& world() {
  static const World instance;
  return instance;
}

class EveryTask : public ::testing::TestWithParam<std::size_t> {
 protected:
  const Task& task() const { return *world().tasks()[GetParam()]; }
};

std::string test_name(const ::testing::TestParamInfo<std::size_t>& instance) {
  std::string name(world().tasks()[instance.param]->name());
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(World, EveryTask, ::testing::Range(std::size_t{0}, task_registry().size()),
                         test_name);

bool is_boundary(std::string_view text, std::size_t at) {
  return at == text.size() || (static_cast<unsigned char>(text[at]) & 0xC0U) != 0x80U;
}

void expect_sound(std::string_view text, const std::vector<Span>& spans) {
  EXPECT_TRUE(is_valid_utf8(text)) << text;
  for (const Span& span : spans) {
    ASSERT_LT(span.begin, span.end) << text;
    ASSERT_LE(span.end, text.size()) << text;
    EXPECT_TRUE(is_boundary(text, span.begin) && is_boundary(text, span.end)) << text;
    EXPECT_FALSE(span.kind.empty() || span.value.empty()) << text;
  }
}

TEST_P(EveryTask, DocumentsDependOnSeedSplitAndIndexAlone) {
  const World again;
  std::set<std::string> texts;
  for (std::uint64_t i = 0; i < 50; ++i) {
    const Document document = task().generate(Split::Train, 1, i);
    EXPECT_EQ(document, again.task(task().name()).generate(Split::Train, 1, i));
    texts.insert(document.text);
    texts.insert(task().generate(Split::Train, 2, i).text);
  }
  EXPECT_GT(texts.size(), 50);
}

TEST_P(EveryTask, SpansLieOnTheText) {
  for (const Split split : {Split::Train, Split::Heldout}) {
    for (std::uint64_t i = 0; i < kSample / 4; ++i) {
      const Document document = task().generate(split, 3, i);
      EXPECT_FALSE(document.text.empty());
      EXPECT_NE(document.text.back(), ' ') << document.text;
      expect_sound(document.text, document.spans);
    }
  }
}

TEST_P(EveryTask, QuestionsAreAnsweredByTheirAnswers) {
  for (const Split split : {Split::Train, Split::Heldout}) {
    for (const Question& question : task().questions(split)) {
      ASSERT_FALSE(question.prompt.empty() || question.answer.empty() || question.kind.empty());
      EXPECT_NE(question.prompt.back(), ' ') << question.prompt;
      EXPECT_TRUE(task().accepts(question, question.answer)) << question.prompt;
      EXPECT_FALSE(task().accepts(question, "")) << question.prompt;
      EXPECT_FALSE(task().accepts(question, " @@@@")) << question.prompt;
      expect_sound(question.prompt, question.hidden);
    }
  }
}

TEST_P(EveryTask, AimsAndProbesNameKindsThatAreAsked) {
  for (const Aim& aim : task().aims()) {
    const std::vector<Question> questions = task().questions(aim.split);
    EXPECT_TRUE(std::any_of(questions.begin(), questions.end(), [&](const Question& q) {
      return q.kind == aim.kind;
    })) << aim.kind;
  }
  for (const ProbeAim& aim : task().probe_aims()) {
    std::set<std::size_t> parities;
    for (const Question& question : task().questions(Split::Heldout)) {
      for (const Span& span : question.hidden) {
        if ((aim.question.empty() || question.kind == aim.question) && span.kind == aim.kind) {
          parities.insert(question.form % 2);
        }
      }
    }
    EXPECT_EQ(parities.size(), 2) << aim.kind << ": no forms to fit on, or none to test on";
  }
}

TEST_P(EveryTask, SixSurfaceFormsAtLeast) {
  std::set<std::size_t> forms;
  for (const Split split : {Split::Train, Split::Heldout}) {
    for (const Question& question : task().questions(split)) {
      forms.insert(question.form);
    }
  }
  EXPECT_GE(forms.size(), 6);
}

TEST_P(EveryTask, TwinsDifferInOneNamedThing) {
  for (std::uint64_t i = 0; i < 100; ++i) {
    const Twins twins = task().twins(1, i);
    EXPECT_EQ(twins.first.form, twins.second.form);
    EXPECT_EQ(twins.first.kind, twins.second.kind);
    EXPECT_NE(twins.first.prompt, twins.second.prompt);
    EXPECT_NE(twins.first_value, twins.second_value);
    EXPECT_FALSE(twins.kind.empty());
    for (const auto& [question, value] :
         {std::pair(twins.first, twins.first_value), std::pair(twins.second, twins.second_value)}) {
      EXPECT_TRUE(std::any_of(question.hidden.begin(), question.hidden.end(), [&](const Span& s) {
        return s.kind == twins.kind && s.value == value;
      })) << question.prompt;
      EXPECT_TRUE(task().accepts(question, question.answer));
    }
  }
}

TEST_P(EveryTask, NothingHeldOutIsInTraining) {
  const std::vector<std::vector<std::string>> groups = task().held_out();
  for (std::uint64_t i = 0; i < kSample; ++i) {
    const std::string text = task().generate(Split::Train, 5, i).text;
    for (const std::vector<std::string>& group : groups) {
      EXPECT_FALSE(std::all_of(group.begin(), group.end(),
                               [&](const std::string& words) { return holds_words(text, words); }))
          << group.front() << " in: " << text;
    }
  }
}

TEST(World, NoTaskTellsWhatAnotherHoldsOut) {
  std::vector<std::vector<std::string>> groups;
  for (const auto& task : world().tasks()) {
    if (task->name() == "geography-12") {
      continue;  // a world of its own, not told beside geography
    }
    for (std::vector<std::string>& group : task->held_out()) {
      groups.push_back(std::move(group));
    }
  }
  for (std::uint64_t i = 0; i < kSample; ++i) {
    const Task& task = *world().tasks()[i % world().tasks().size()];
    const std::string text = task.generate(Split::Train, 9, i).text;
    for (const std::vector<std::string>& group : groups) {
      EXPECT_FALSE(std::all_of(group.begin(), group.end(),
                               [&](const std::string& words) { return holds_words(text, words); }))
          << group.front() << " in: " << text;
    }
  }
}

TEST(World, WhatMustBeOneTokenNeedNotBeSplit) {
  std::set<std::string> whole;
  for (const auto& task : world().tasks()) {
    for (const std::string& word : task->whole_words()) {
      EXPECT_TRUE(is_valid_utf8(word) && !word.empty());
      whole.insert(word);
    }
  }
  for (const auto& task : world().tasks()) {
    for (const std::string& word : task->split_words()) {
      EXPECT_FALSE(whole.contains(" " + word)) << word << " must be one token and may not be";
    }
  }
}

TEST(World, AnUnknownTaskIsAnErrorThatNamesTheKnownOnes) {
  const auto thrown = testing::thrown_by([] { static_cast<void>(world().task("sum")); });
  EXPECT_EQ(thrown.code, ErrorCode::NotFound);
  EXPECT_THAT(thrown.message,
              ::testing::HasSubstr("'sum'; did you mean 'sums'? There are geography"));
}

}  // namespace
}  // namespace cajal
