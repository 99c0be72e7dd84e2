#include "model/generate.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "io/json.h"
#include "testing/golden.h"

namespace cajal {
namespace {

using ::testing::HasSubstr;

/// A golden model, what it is asked and what it answers, on the backend "ref" or "cpu".
struct Fixture {
  Fixture(const std::string& name, const std::string& on)
      : backend(on == "ref" ? make_reference_backend() : make_cpu_backend()) {
    for (const auto& folder : testing::golden_folders("models")) {
      if (folder.filename() == name) {
        model = Model::load(folder);
        const Json notes = Json::load(folder / "expected.json");
        for (const Json& id : notes.at("tokens", "").at("B", "").as_array("")) {
          prompt.push_back(static_cast<TokenId>(id.as_int("")));
        }
        for (const Json& id : notes.at("greedy_B", "").at("new_tokens", "").as_array("")) {
          greedy.push_back(static_cast<TokenId>(id.as_int("")));
        }
      }
    }
  }
  std::vector<Generation> run(const std::vector<std::vector<TokenId>>& prompts,
                              const GenerateOptions& options) {
    return generate(*backend, *model, nullptr, prompts, options);
  }

  std::shared_ptr<const Model> model;
  std::vector<TokenId> prompt;
  std::vector<TokenId> greedy;
  std::unique_ptr<Backend> backend;
};

class Generate : public ::testing::TestWithParam<std::string> {
 protected:
  Fixture fixture(const std::string& name) const { return Fixture(name, GetParam()); }
};

TEST_P(Generate, GreedyTextIsTheReferences) {
  Fixture f = fixture("llama");
  const auto out = f.run({f.prompt}, {.max_tokens = f.greedy.size()});
  EXPECT_EQ(out[0].ids, f.greedy);
  EXPECT_EQ(out[0].finish, Finish::Length);
}

TEST_P(Generate, ABatchWritesWhatEachPromptWritesAlone) {
  Fixture f = fixture("gemma2");
  const std::vector<std::vector<TokenId>> prompts = {
      {5}, f.prompt, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}};
  const GenerateOptions options = {.max_tokens = 12};
  const auto together = f.run(prompts, options);
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    EXPECT_EQ(together[i].ids, f.run({prompts[i]}, options)[0].ids) << i;
  }
}

TEST_P(Generate, EachSequenceEndsOnItsOwn) {
  Fixture f = fixture("llama");
  const auto free_run = f.run({f.prompt, {7}}, {.max_tokens = 10});
  const TokenId stop = free_run[0].ids[2];
  const auto out = f.run({f.prompt, {7}}, {.max_tokens = 10, .stop_ids = {stop}});
  EXPECT_EQ(out[0].finish, Finish::StopToken);
  for (std::size_t i = 0; i < 2; ++i) {
    std::vector<TokenId> want = free_run[i].ids;
    const auto end = std::find(want.begin(), want.end(), stop);
    EXPECT_EQ(out[i].finish, end == want.end() ? Finish::Length : Finish::StopToken) << i;
    want.erase(end == want.end() ? end : end + 1, want.end());
    EXPECT_EQ(out[i].ids, want) << i;
  }
  EXPECT_LT(out[0].ids.size(), out[1].ids.size());  // one went on after the other's end
}

TEST_P(Generate, ReportsChancesThatAreLogProbabilities) {
  Fixture f = fixture("llama");
  const auto out = f.run({f.prompt}, {.max_tokens = 3, .logprobs = 4});
  ASSERT_EQ(out[0].tokens.size(), 3U);
  for (const GeneratedToken& token : out[0].tokens) {
    ASSERT_EQ(token.best.size(), 4U);
    EXPECT_EQ(token.best[0].id, token.id);  // greedy
    EXPECT_EQ(token.best[0].logprob, token.logprob);
    EXPECT_LE(token.best[1].logprob, token.logprob);
    EXPECT_LT(token.logprob, 0.0);
  }
}

TEST_P(Generate, TheContextIsAnErrorThatNamesTheLimit) {
  Fixture f = fixture("llama");  // 128 tokens
  const std::vector<TokenId> long_prompt(120, 3);
  EXPECT_NO_THROW(f.run({long_prompt}, {.max_tokens = 9}));  // the last is not fed back
  try {
    f.run({long_prompt}, {.max_tokens = 10});
    ADD_FAILURE() << "must not fit";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("128"));
  }
  EXPECT_THROW(f.run({std::vector<TokenId>(129, 3)}, {.max_tokens = 0}), Error);
}

TEST_P(Generate, TokensOutsideTheVocabularyAreRefused) {
  Fixture f = fixture("llama");
  EXPECT_THROW(f.run({{160}}, {.max_tokens = 1}), Error);
  EXPECT_THROW(f.run({{-1}}, {.max_tokens = 1}), Error);
  EXPECT_THROW(f.run({{}}, {.max_tokens = 1}), Error);
}

TEST_P(Generate, ACacheContinuesWhereItWas) {
  Fixture f = fixture("qwen3");
  KvCache cache(f.model->config(), *f.backend, 1);
  const std::vector<std::vector<TokenId>> first = {f.prompt};
  auto a = generate(*f.backend, *f.model, nullptr, first, {.max_tokens = 4}, nullptr, &cache);
  const std::vector<std::vector<TokenId>> next = {{a[0].ids.back()}};
  const auto b = generate(*f.backend, *f.model, nullptr, next, {.max_tokens = 6}, nullptr, &cache);
  std::vector<TokenId> all = a[0].ids;
  all.insert(all.end(), b[0].ids.begin(), b[0].ids.end());
  EXPECT_EQ(all, std::vector<TokenId>(f.greedy.begin(), f.greedy.begin() + 10));
}

TEST_P(Generate, CancellingEndsItAtOnce) {
  Fixture f = fixture("llama");
  std::stop_source source;
  source.request_stop();
  const auto out = f.run({f.prompt}, {.max_tokens = 5, .cancel = source.get_token()});
  EXPECT_EQ(out[0].finish, Finish::Cancelled);
  EXPECT_TRUE(out[0].ids.empty());
}

TEST_P(Generate, AFailedPassLeavesTheCacheAsItWas) {
  Fixture f = fixture("llama");
  KvCache cache(f.model->config(), *f.backend, 1);
  PointSet points;
  points.read({PointKind::ResidPost, 1},
              [](ConstMatRef, const PointContext&) { fail(ErrorCode::Cancelled, "enough"); });
  const std::int32_t starts[] = {0, static_cast<std::int32_t>(f.prompt.size())};
  EXPECT_THROW(f.model->forward(*f.backend, {f.prompt, starts}, cache, {.points = &points}), Error);
  EXPECT_EQ(cache.length(0), 0U);
}

INSTANTIATE_TEST_SUITE_P(Backends, Generate, ::testing::Values("ref", "cpu"),
                         [](const auto& test) { return test.param; });

}  // namespace
}  // namespace cajal
