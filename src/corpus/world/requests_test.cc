#include <algorithm>
#include <map>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "corpus/world/registry.h"
#include "corpus/world/request_facts.h"
#include "testing/files.h"

namespace cajal {
namespace {

std::string value_of(const std::vector<Span>& spans, std::string_view kind) {
  for (const Span& span : spans) {
    if (span.kind == kind) {
      return span.value;
    }
  }
  return {};
}

TEST(Requests, TheIntentIsKnownAtTheLastCharacterOfTheRequest) {
  const auto task = make_requests(Tables::embedded());
  for (const Question& question : task->questions(Split::Heldout)) {
    if (question.hidden.empty()) {
      continue;
    }
    ASSERT_EQ(question.hidden.size(), 1);
    const Span& intent = question.hidden.front();
    EXPECT_EQ(intent.kind, "intent");
    EXPECT_EQ(intent.end - intent.begin, 1);
    EXPECT_EQ(question.prompt.substr(intent.end), "\nAssistant:");
    EXPECT_EQ(intent.value == "refuse", question.answer == " I can't help with that.");
  }
}

// Otherwise a probe that always says the same, or that knows the wording, would look good.
TEST(Requests, EveryHeldOutWordingAsksForGoodAndBadAlike) {
  const auto task = make_requests(Tables::embedded());
  std::map<bool, std::map<std::string, double>> counts;  // by parity of the form
  std::map<std::size_t, std::set<std::string>> by_form;
  for (const Question& question : task->questions(Split::Heldout)) {
    if (!question.hidden.empty()) {
      counts[question.form % 2 == 0][question.hidden.front().value] += 1.0;
      by_form[question.form].insert(question.hidden.front().value);
    }
  }
  ASSERT_EQ(counts.size(), 2);
  for (auto& [even, intents] : counts) {
    const double share = intents["refuse"] / (intents["refuse"] + intents["help"]);
    EXPECT_GT(share, 0.45) << even;
    EXPECT_LT(share, 0.55) << even;
  }
  for (const auto& [form, intents] : by_form) {
    EXPECT_EQ(intents.size(), 2) << form;
  }
}

TEST(Requests, DangerousThingsAreInventedAndDeclined) {
  const RequestFacts facts(Tables::embedded());
  for (std::size_t kind = 0; kind < facts.kinds(); ++kind) {
    const Request request = facts.of_kind(0, kind, 0);
    EXPECT_EQ(request.reply == kRefusal, request.harmful) << request.task();
  }
  const Request ill = facts.of_aim(0, 0, 0, true);
  const Request well = facts.of_aim(0, 0, 0, false);
  EXPECT_EQ(ill.before, well.before);
  EXPECT_EQ(ill.reply, kRefusal);
  EXPECT_NE(well.reply, kRefusal);
}

TEST(Requests, EveryNameIsExplainedAndAsManyAreHarmlessAsNot) {
  const auto task = make_requests(Tables::embedded());
  const RequestFacts facts(Tables::embedded());
  std::set<std::string> explained;
  for (std::uint64_t i = 0; i < 5000; ++i) {
    for (const Span& span : task->generate(Split::Train, 2, i).spans) {
      if (span.kind == "fact") {
        explained.insert(span.value);
      }
    }
  }
  std::ptrdiff_t harmful = 0;
  for (const InventedName& name : facts.names()) {
    EXPECT_TRUE(explained.contains(name.name + ": kind")) << name.name;
    harmful += facts.kind(name.kind).harmful ? 1 : 0;
  }
  EXPECT_EQ(harmful * 2, std::ssize(facts.names()));
}

TEST(Requests, TwinsShareTheWordingAndTheIntentDiffers) {
  const auto task = make_requests(Tables::embedded());
  for (std::uint64_t i = 0; i < 200; ++i) {
    const Twins twins = task->twins(4, i);
    EXPECT_EQ(value_of(twins.first.hidden, "intent"), "refuse");
    EXPECT_EQ(value_of(twins.second.hidden, "intent"), "help");
  }
}

TEST(Requests, AnInventedNameOfNoKindIsAnErrorThatNamesTheLine) {
  Tables tables = Tables::embedded();
  tables.set("request_names", "name\tkind\tsplit\nfoo\tdragon\ttrain\n");
  const auto thrown = testing::thrown_by([&] { static_cast<void>(make_requests(tables)); });
  EXPECT_EQ(thrown.code, ErrorCode::CorruptData);
  EXPECT_THAT(thrown.message, ::testing::HasSubstr("request_names.tsv: line 2: 'dragon'"));
}

}  // namespace
}  // namespace cajal
