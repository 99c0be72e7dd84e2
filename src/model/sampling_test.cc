#include "model/sampling.h"

#include <cmath>
#include <limits>
#include <map>

#include <gtest/gtest.h>

#include "base/error.h"

namespace cajal {
namespace {

Matrix row_of(std::initializer_list<double> values) {
  Matrix m = Matrix::host(1, values.size(), DType::F64);
  std::copy(values.begin(), values.end(), m.as<double>().row(0).begin());
  return m;
}

/// How often each token comes in many draws.
std::map<TokenId, double> frequencies(const Matrix& logits, const SamplingOptions& options) {
  constexpr int kDraws = 20000;
  std::map<TokenId, double> out;
  for (std::uint64_t i = 0; i < kDraws; ++i) {
    out[sample_token(logits.ref(), {}, options, 3, i)] += 1.0 / kDraws;
  }
  return out;
}

// Five standard errors of a frequency near p out of 20,000.
double allowed(double p) {
  return 5.0 * std::sqrt(p * (1.0 - p) / 20000.0);
}

TEST(Sampling, GreedyTakesTheBestAndTheSmallerIdOfEquals) {
  EXPECT_EQ(sample_token(row_of({0.0, 2.0, 2.0, 1.0}).ref(), {}, {}, 0, 0), 1);
}

TEST(Sampling, GreedyFindsTheBestWhereverItIs) {
  for (const std::size_t size : {1UL, 15UL, 16UL, 17UL, 40UL}) {
    for (std::size_t best = 0; best < size; ++best) {
      Matrix logits = Matrix::host(1, size, DType::F32);
      const auto row = logits.as<float>().row(0);
      std::fill(row.begin(), row.end(), -3.0F);
      row[best] = -1.0F;
      EXPECT_EQ(sample_token(logits.ref(), {}, {}, 0, 0), static_cast<TokenId>(best)) << size;
    }
  }
}

TEST(Sampling, GreedyRefusesWhatIsNotFiniteWhereverItIs) {
  for (const float wrong :
       {std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity(),
        std::numeric_limits<float>::quiet_NaN()}) {
    for (std::size_t at = 0; at < 40; ++at) {
      Matrix logits = Matrix::host(1, 40, DType::F32);
      const auto row = logits.as<float>().row(0);
      std::fill(row.begin(), row.end(), 1.0F);
      row[at] = wrong;
      EXPECT_THROW(sample_token(logits.ref(), {}, {}, 0, 0), Error) << wrong << " at " << at;
    }
  }
}

TEST(Sampling, TemperatureFollowsTheSoftmax) {
  const Matrix logits = row_of({std::log(1.0), std::log(2.0), std::log(5.0)});
  const auto f = frequencies(logits, {.temperature = 1.0});
  EXPECT_NEAR(f.at(0), 0.125, allowed(0.125));
  EXPECT_NEAR(f.at(1), 0.25, allowed(0.25));
  EXPECT_NEAR(f.at(2), 0.625, allowed(0.625));
  // At temperature 1/2 the weights are squared: 1, 4, 25.
  const auto cold = frequencies(logits, {.temperature = 0.5});
  EXPECT_NEAR(cold.at(1), 4.0 / 30.0, allowed(4.0 / 30.0));
}

TEST(Sampling, TopKKeepsTheKMostLikely) {
  const Matrix logits = row_of({std::log(1.0), std::log(2.0), std::log(5.0), std::log(3.0)});
  const auto f = frequencies(logits, {.temperature = 1.0, .top_k = 2});
  EXPECT_EQ(f.size(), 2U);
  EXPECT_NEAR(f.at(2), 0.625, allowed(0.625));
  EXPECT_NEAR(f.at(3), 0.375, allowed(0.375));
}

TEST(Sampling, TopPKeepsTheFewestThatHoldTheMass) {
  const Matrix logits = row_of({std::log(0.5), std::log(0.3), std::log(0.2)});
  EXPECT_EQ(frequencies(logits, {.temperature = 1.0, .top_p = 0.5}).size(), 1U);
  EXPECT_EQ(frequencies(logits, {.temperature = 1.0, .top_p = 0.6}).size(), 2U);
  EXPECT_EQ(frequencies(logits, {.temperature = 1.0, .top_p = 0.9}).size(), 3U);
}

TEST(Sampling, MinPDropsWhatIsFarLessLikelyThanTheBest) {
  const Matrix logits = row_of({std::log(0.6), std::log(0.3), std::log(0.1)});
  EXPECT_EQ(frequencies(logits, {.temperature = 1.0, .min_p = 0.4}).size(), 2U);
  EXPECT_EQ(frequencies(logits, {.temperature = 1.0, .min_p = 1.0}).size(), 1U);
}

TEST(Sampling, ThePenaltyMakesWhatIsThereLessLikely) {
  const Matrix logits = row_of({-1.0, 2.0, 1.5});
  const std::vector<TokenId> history = {1, 0, 1};
  EXPECT_EQ(sample_token(logits.ref(), history, {.repeat_penalty = 2.0}, 0, 0), 2);
  EXPECT_EQ(sample_token(logits.ref(), {}, {.repeat_penalty = 2.0}, 0, 0), 1);
}

TEST(Sampling, TheSameSeedDrawsTheSame) {
  const Matrix logits = row_of({0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8});
  std::vector<TokenId> first;
  std::vector<TokenId> second;
  std::vector<TokenId> other;
  for (std::uint64_t i = 0; i < 50; ++i) {
    first.push_back(sample_token(logits.ref(), {}, {.temperature = 1.0, .seed = 5}, 0, i));
    second.push_back(sample_token(logits.ref(), {}, {.temperature = 1.0, .seed = 5}, 0, i));
    other.push_back(sample_token(logits.ref(), {}, {.temperature = 1.0, .seed = 6}, 0, i));
  }
  EXPECT_EQ(first, second);
  EXPECT_NE(first, other);
}

TEST(Sampling, OptionsOutOfRangeAreRefused) {
  EXPECT_THROW(validate(SamplingOptions{.temperature = -1.0}), Error);
  EXPECT_THROW(validate(SamplingOptions{.top_p = 0.0}), Error);
  EXPECT_THROW(validate(SamplingOptions{.min_p = 1.5}), Error);
  EXPECT_THROW(validate(SamplingOptions{.repeat_penalty = 0.0}), Error);
  EXPECT_THROW(validate(SamplingOptions{.temperature = std::nan("")}), Error);
}

TEST(Sampling, ProbabilitiesOfTokensAreThoseOfTheirLogarithms) {
  const Matrix logits = row_of({3.0, -1.0, 0.5, 2.75});
  const std::vector<double> all = log_softmax(logits.ref());
  const std::vector<double> got = token_probabilities(logits.ref());
  ASSERT_EQ(got.size(), all.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    EXPECT_NEAR(got[i], std::exp(all[i]), 8 * std::numeric_limits<double>::epsilon()) << i;
  }
}

TEST(Sampling, LogProbabilitiesSumToOneAndTheBestComeFirst) {
  const std::vector<double> all = log_softmax(row_of({1000.0, 999.0, -1000.0}).ref());
  // Logits near 1000 are exact to 1000 epsilon / 2, and so are the differences to their sum.
  const double rounding = 1000.0 * std::numeric_limits<double>::epsilon();
  EXPECT_NEAR(std::exp(all[0]) + std::exp(all[1]) + std::exp(all[2]), 1.0, rounding);
  const auto best = best_tokens(all, 2);
  ASSERT_EQ(best.size(), 2U);
  EXPECT_EQ(best[0].id, 0);
  EXPECT_NEAR(best[0].logprob, -std::log1p(std::exp(-1.0)), rounding);
}

}  // namespace
}  // namespace cajal
