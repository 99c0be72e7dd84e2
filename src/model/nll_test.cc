#include "model/nll.h"

#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "model/golden_model_test.h"
#include "model/sampling.h"

namespace cajal {
namespace {

using testing::golden_model;
using ::testing::HasSubstr;

// LongRope rotates every position of a long text by other divisors than a short one's, so the
// chunks before the crossing must know how long the text will be.
TEST(Nll, ALongTextIsScoredWithTheRotationOfItsWholeLength) {
  const auto golden = testing::golden_model("phi3_longrope");
  if (!testing::have_or_skip(golden != nullptr, "golden", "no golden model phi3_longrope")) {
    return;
  }
  ModelConfig config = golden->config();
  config.context = 1000;
  config.ropes[0].original_context = 600;  // chunks are 512 tokens
  Weights weights;
  weights.embeddings = golden->weights().embeddings;
  weights.layers = golden->weights().layers;
  weights.final_norm = golden->weights().final_norm;
  weights.head = golden->weights().head;
  const Model model(std::move(config), std::move(weights), "long");
  std::vector<TokenId> tokens;
  for (int i = 0; i < 800; ++i) {
    tokens.push_back((i * 37 + i / 7) % 160);
  }
  const auto backend = make_reference_backend();
  const std::vector<double> chunked = token_nll(*backend, model, tokens, Precision::F32);
  KvCache cache(model.config(), *backend, 1);
  const std::int32_t starts[] = {0, 800};
  const Matrix whole = model.forward(*backend, {tokens, starts}, cache, {.logits = LogitRows::All});
  for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
    const auto next = static_cast<std::size_t>(tokens[i + 1]);
    ASSERT_NEAR(chunked[i], -log_softmax(whole.ref().row_range(i, 1))[next], 1e-9) << i;
  }
}

TEST(Nll, ATextBeyondTheContextIsRefusedBeforeAnyWork) {
  const auto model = testing::golden_model("llama");
  const auto backend = make_reference_backend();
  const std::vector<TokenId> tokens(300, 5);
  try {
    token_nll(*backend, *model, tokens, Precision::F32);
    ADD_FAILURE() << "300 tokens fit into 128";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("300"));
    EXPECT_THAT(error.what(), HasSubstr("128"));
  }
}

TEST(Nll, StopsBetweenChunksWhenAsked) {
  const auto model = testing::golden_model("llama");
  const auto backend = make_reference_backend();
  std::stop_source source;
  source.request_stop();
  const std::vector<TokenId> tokens(10, 5);
  EXPECT_THROW(token_nll(*backend, *model, tokens, Precision::F32, source.get_token()), Error);
}

TEST(Nll, LogitsThatAreNotFiniteAreAnErrorAndNotAToken) {
  Matrix logits = Matrix::host(1, 3, DType::F64);
  for (const double bad :
       {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    logits.as<double>().at(0, 0) = 1.0;
    logits.as<double>().at(0, 1) = bad;
    logits.as<double>().at(0, 2) = 0.0;
    EXPECT_THROW(sample_token(logits.ref(), {}, {}, 0, 0), Error);
    EXPECT_THROW(log_softmax(logits.ref()), Error);
  }
}

}  // namespace
}  // namespace cajal
