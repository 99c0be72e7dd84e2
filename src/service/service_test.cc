// Use cases on golden models that have no tokenizer; those that read text are in tests/.
#include <cmath>

#include <gmock/gmock.h>

#include "io/json.h"
#include "io/safetensors.h"
#include "service/generate.h"
#include "service/inspect.h"
#include "service/lens.h"
#include "service/points.h"
#include "service/score.h"
#include "testing/files.h"
#include "testing/golden.h"

namespace cajal {
namespace {

using ::testing::HasSubstr;
using testing::thrown_by;
using ::testing::ThrowsMessage;

std::vector<TokenId> ids_in(const Json& json) {
  std::vector<TokenId> out;
  for (const Json& id : json.as_array("ids")) {
    out.push_back(static_cast<TokenId>(id.as_int("id")));
  }
  return out;
}

/// One golden model, with what its reference says.
struct Golden {
  explicit Golden(const std::string& name, const std::string& device = "cpu")
      : folder(testing::golden_core("models") / name),
        expected(Json::load(folder / "expected.json")) {
    options.model = folder.string();
    options.device = device;
    options.precision = "f32";
    session = open_session(options);
  }
  std::vector<TokenId> tokens(const char* name) const {
    return ids_in(expected.at("tokens", "expected").at(name, "tokens"));
  }
  template <typename Request>
  Request request(const char* name) const {
    Request out;
    static_cast<ModelOptions&>(out) = options;
    out.ids = tokens(name);
    return out;
  }

  std::filesystem::path folder;
  Json expected;
  ModelOptions options;
  Session session;
};

class OnGoldenModels : public ::testing::TestWithParam<const char*> {};

TEST_P(OnGoldenModels, GenerateWritesTheGreedyIdsOfTheReference) {
  Golden golden(GetParam());
  auto request = golden.request<GenerateRequest>("B");
  request.max_tokens = 24;
  golden.session.special.stop.clear();  // the reference went on
  const GenerateResult result = generate(golden.session, request);
  EXPECT_EQ(result.generation.ids,
            ids_in(golden.expected.at("greedy_B", "expected").at("new_tokens", "greedy_B")));
}

TEST_P(OnGoldenModels, ScoreIsTheNllOfTheReference) {
  Golden golden(GetParam(), "ref");
  const ScoreResult result = score(golden.session, golden.request<ScoreRequest>("C"));
  EXPECT_NEAR(result.mean_nll, golden.expected.at("mean_nll_C", "").as_double(""), 1e-9);
  EXPECT_EQ(result.nll.size() + 1, result.ids.size());
}

TEST_P(OnGoldenModels, TheLensAfterTheLastLayerIsTheModel) {
  Golden golden(GetParam(), "ref");
  LensRequest request = golden.request<LensRequest>("C");
  request.top = 3;
  const LensResult seen = lens(golden.session, request);
  ASSERT_EQ(seen.points.size(), golden.session.model->config().layers);
  KvCache cache(golden.session.model->config(), *golden.session.backend, 1);
  const std::vector<std::int32_t> starts = {0, static_cast<std::int32_t>(seen.ids.size())};
  const Matrix logits = golden.session.model->forward(*golden.session.backend, {seen.ids, starts},
                                                      cache, {.logits = LogitRows::All});
  for (std::size_t t = 0; t < seen.ids.size(); ++t) {
    const auto best = best_tokens(log_softmax(logits.ref().row_range(t, 1)), 3);
    for (std::size_t i = 0; i < best.size(); ++i) {
      EXPECT_EQ(seen.points.back().best[t][i].id, best[i].id);
      EXPECT_NEAR(seen.points.back().best[t][i].logprob, best[i].logprob, 1e-9);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Families, OnGoldenModels,
                         ::testing::Values("gpt2", "llama", "gemma2", "granite", "gpt_neox",
                                           "olmo2"),
                         [](const auto& tested) { return std::string(tested.param); });

TEST(Service, RoomIsTheDefaultOrWhatTheContextLeaves) {
  const Golden golden("llama");  // its context is 128
  EXPECT_EQ(room_for(golden.session, 3, std::nullopt), 125U);
  EXPECT_EQ(room_for(golden.session, 3, 125), 125U);
  EXPECT_THAT([&] { room_for(golden.session, 3, 126); }, ThrowsMessage<Error>(HasSubstr("128")));
  EXPECT_THAT([&] { room_for(golden.session, 128, std::nullopt); },
              ThrowsMessage<Error>(HasSubstr("128")));
}

TEST(Service, PointsSavedToAFileAreThoseOfTheReference) {
  Golden golden("llama", "ref");
  auto request = golden.request<PointsRequest>("B");
  request.point = {"resid_post", "attn_probs.0"};
  const PointsResult result = read_points(golden.session, request);
  const testing::TemporaryFolder folder;
  const std::filesystem::path file = folder / "points.safetensors";
  save_points(result, golden.session.provenance(), file);
  const auto saved = Safetensors::open(file);
  const auto expected = Safetensors::open(golden.folder / "expected.safetensors");
  EXPECT_EQ(saved->tensors().size(), 5U);  // three layers, one pattern, ids
  for (const PointValue& point : result.points) {
    const ConstMatRef have = as_matrix(saved->at(point.name));
    const ConstMatRef want = as_matrix(expected->at("B/" + point.name));
    ASSERT_EQ(have.rows, want.rows);
    const double limit = 1e-6 * std::max(std::abs(point.min), std::abs(point.max));
    for (std::size_t r = 0; r < want.rows; ++r) {
      for (std::size_t c = 0; c < want.cols; ++c) {
        ASSERT_NEAR(element(have, r, c), element(want, r, c), limit) << point.name;
      }
    }
  }
  std::filesystem::remove(file);
}

TEST(Service, APointWithoutLayerMeansEveryLayerInOrder) {
  const Golden golden("llama");
  const auto points = parse_points({"mlp_out.1", "resid_mid", "blocks.0.hook_resid_pre"},
                                   golden.session.model->config());
  std::vector<std::string> names;
  for (const Point point : points) {
    names.push_back(name_of(point));
  }
  EXPECT_EQ(names, (std::vector<std::string>{"resid_pre.0", "resid_mid.0", "resid_mid.1",
                                             "mlp_out.1", "resid_mid.2"}));
}

TEST(Service, ACancelledRunEnds) {
  Golden golden("llama");
  std::stop_source source;
  source.request_stop();
  EXPECT_THAT([&] { lens(golden.session, golden.request<LensRequest>("B"), source.get_token()); },
              ThrowsMessage<Error>(HasSubstr("interrupted")));
}

TEST(Service, ACancelledScoreOrSelfCheckEnds) {
  Golden golden("llama");
  std::stop_source source;
  source.request_stop();
  const auto scoring = [&] {
    score(golden.session, golden.request<ScoreRequest>("B"), source.get_token());
  };
  EXPECT_EQ(thrown_by(scoring).code, ErrorCode::Cancelled);
  InspectRequest request;
  request.path = golden.folder.string();
  request.check = true;
  EXPECT_EQ(thrown_by([&] { inspect(request, source.get_token()); }).code, ErrorCode::Cancelled);
}

TEST(Service, InspectChecksAModel) {
  InspectRequest request;
  request.path = (testing::golden_core("models") / "gemma2").string();
  request.check = true;
  const InspectResult result = inspect(request);
  EXPECT_EQ(result.kind, "model");
  EXPECT_EQ(result.details.at("family", "").as_string(""), "gemma2");
  EXPECT_EQ(result.details.at("attention", "").as_array("").size(), 2U);
  EXPECT_TRUE(result.passed());
  EXPECT_FALSE(result.check->checks.empty());
}

TEST(Service, DevicesThatAreNotHereAreAnError) {
  EXPECT_THAT([] { make_backend("cuda"); }, ThrowsMessage<Error>(HasSubstr("built without")));
  EXPECT_THAT([] { make_backend("tpu"); }, ThrowsMessage<Error>(HasSubstr("cpu, ref or cuda")));
}

TEST(Service, AModelIsFoundByPathOrInTheCacheOrNotAtAll) {
  EXPECT_THAT([] { find_model("/no/such"); }, ThrowsMessage<Error>(HasSubstr("/no/such")));
  EXPECT_THAT([] { find_model("no/such-model"); }, ThrowsMessage<Error>(HasSubstr("cache")));
}

}  // namespace
}  // namespace cajal
