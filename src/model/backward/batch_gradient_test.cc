// Batches in shards: every document once, the same bits for any number of threads, and mistakes
// named before anything is summed.
#include "model/backward/batch_gradient.h"

#include <cstring>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/parallel.h"
#include "base/random.h"
#include "model/architecture.h"
#include "model/backward/shards.h"

namespace cajal {
namespace {

using ::testing::HasSubstr;

Architecture small_odd(std::string family = "llama") {
  return {.family = std::move(family),
          .layers = 2,
          .heads = 3,
          .d_model = 48,
          .d_mlp = 96,
          .vocab = 70,
          .context = 200,
          .stored = DType::F32};
}

/// Documents of 1 to 90 tokens.
struct Documents {
  explicit Documents(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t length = 1 + random_bits(1, i, 0) % 90;
      for (std::size_t j = 0; j < length; ++j) {
        tokens.push_back(static_cast<TokenId>(random_bits(2, i, j) % 70));
        targets.push_back(j + 1 < length ? static_cast<TokenId>(random_bits(2, i, j + 1) % 70)
                                         : -1);
      }
      starts.push_back(static_cast<std::int32_t>(tokens.size()));
    }
  }
  Batch batch() const { return {tokens, starts, seen_until}; }
  /// Every third token is not seen from two tokens on.
  void hide_some() {
    for (std::size_t i = 0; i + 1 < starts.size(); ++i) {
      for (std::int32_t j = 0; j < starts[i + 1] - starts[i]; ++j) {
        seen_until.push_back(j % 3 == 0 ? j + 2 : 1000);
      }
    }
  }
  std::vector<TokenId> tokens;
  std::vector<std::int32_t> starts = {0};
  std::vector<std::int32_t> targets;
  std::vector<std::int32_t> seen_until;
};

class Learner {
 public:
  explicit Learner(const BatchGradientOptions& options, const std::string& family = "llama")
      : config_(model_config(small_odd(family))),
        masters_(std::make_shared<Parameters>(fresh_parameters(config_), DType::F32)),
        batch_([] { return make_cpu_backend(); }, config_, masters_->specs(), options) {
    initialize(*masters_, config_, 3);
    model_ = model_of(config_, masters_);
  }
  Parameters gradient(const Documents& documents, double* loss = nullptr) {
    Parameters out(fresh_parameters(config_), DType::F32);
    const BatchLoss got = batch_.run(*model_, documents.batch(), documents.targets, 0.01, out);
    if (loss != nullptr) {
      *loss = got.loss;
    }
    return out;
  }
  BatchGradient& batch() { return batch_; }
  const Model& model() const { return *model_; }

 private:
  ModelConfig config_;
  std::shared_ptr<Parameters> masters_;
  std::shared_ptr<const Model> model_;
  BatchGradient batch_;
};

bool same_bits(const Parameters& a, const Parameters& b) {
  return std::memcmp(a.all().data, b.all().data, a.all().cols * size_of(a.dtype())) == 0;
}

std::size_t rows_of(const Documents& documents, const std::vector<std::size_t>& sequences) {
  std::size_t rows = 0;
  for (const std::size_t s : sequences) {
    rows += static_cast<std::size_t>(documents.starts[s + 1] - documents.starts[s]);
  }
  return rows;
}

void check_shards(const Documents& documents, std::size_t rows, std::size_t lanes) {
  const Shards shards = make_shards(documents.batch(), rows, lanes);
  EXPECT_EQ(shards.sequences.size() % lanes, 0U);
  std::vector<std::size_t> seen;
  for (const auto& sequences : shards.sequences) {
    EXPECT_LE(rows_of(documents, sequences), shards.rows);
    seen.insert(seen.end(), sequences.begin(), sequences.end());
  }
  EXPECT_EQ(seen.size(), documents.starts.size() - 1);
  EXPECT_EQ(std::set<std::size_t>(seen.begin(), seen.end()).size(), seen.size());
}

TEST(Shards, HoldEverySequenceOnceWithinTheirRows) {
  const Documents documents(57);
  for (const std::size_t rows : {64U, 200U, 1000U}) {
    for (const std::size_t lanes : {1U, 3U, 4U}) {
      check_shards(documents, rows, lanes);
    }
  }
}

TEST(Shards, AreFilledUpWithWhatPredictsNothing) {
  const Documents documents(5);
  ShardBatch shard;
  shard.fill(documents.batch(), documents.targets, {3, 1}, 320, 50);
  EXPECT_EQ(shard.tokens.size(), 320U);
  EXPECT_EQ(shard.targets.size(), 320U);
  EXPECT_EQ(shard.starts.back(), 320);
  const auto own = static_cast<std::size_t>(shard.starts[2]);
  for (std::size_t r = own; r < 320; ++r) {
    EXPECT_EQ(shard.targets[r], -1);
  }
}

TEST(BatchGradient, OfHiddenTokensIsThatOfDifferences) {
  Documents documents(6);
  documents.hide_some();
  const ModelConfig config = model_config(small_odd());
  const auto values = std::make_shared<Parameters>(fresh_parameters(config), DType::F64);
  initialize(*values, config, 3);
  const auto model = model_of(config, values);
  BatchGradient batch([] { return make_reference_backend(); }, config, values->specs(),
                      {.shard_rows = 64, .lanes = 2});
  Parameters gradient(fresh_parameters(config), DType::F64);
  const double open = batch.run(*model, Documents(6).batch(), documents.targets, 0.01).loss;
  const double loss = batch.run(*model, documents.batch(), documents.targets, 0.01, gradient).loss;
  EXPECT_GT(std::abs(loss - open), 1e-6);
  const auto all = values->all().as<double>();
  for (std::uint64_t i = 0; i < 12; ++i) {
    double& x = all.at(0, random_bits(4, i, 0) % all.cols);
    constexpr double kStep = 1e-5;
    const double before = x;
    const auto loss_at = [&](double value) {
      x = value;
      return batch.run(*model, documents.batch(), documents.targets, 0.01).loss;
    };
    const double slope = (loss_at(before + kStep) - loss_at(before - kStep)) / (2 * kStep);
    x = before;
    const auto column = static_cast<std::size_t>(&x - all.row(0).data());
    EXPECT_NEAR(gradient.all().as<double>().at(0, column), slope, 1e-8 * (1 + std::abs(slope)));
  }
}

TEST(BatchGradient, HasTheSameBitsForAnyNumberOfThreads) {
  const Documents documents(40);
  const int before = threads();
  for (const Precision precision : {Precision::F32, Precision::BF16}) {
    if (!make_cpu_backend()->has(precision)) {
      continue;
    }
    const BatchGradientOptions options = {.precision = precision, .shard_rows = 256, .lanes = 3};
    std::vector<Parameters> results;
    std::vector<double> losses;
    for (const int count : {1, 2, 5}) {
      set_threads(count);
      results.push_back(Learner(options).gradient(documents, &losses.emplace_back()));
    }
    EXPECT_TRUE(same_bits(results[0], results[1]));
    EXPECT_TRUE(same_bits(results[0], results[2]));
    EXPECT_EQ(losses[0], losses[1]);
    EXPECT_EQ(losses[0], losses[2]);
  }
  set_threads(before);
}

TEST(BatchGradient, GivesTheSameAgainAndTheLossAloneToo) {
  const Documents documents(20);
  Learner learner({.shard_rows = 128, .lanes = 2});
  double loss = 0.0;
  const Parameters first = learner.gradient(documents, &loss);
  const Parameters second = learner.gradient(documents);
  EXPECT_TRUE(same_bits(first, second));
  EXPECT_EQ(learner.batch().run(learner.model(), documents.batch(), documents.targets, 0.01).loss,
            loss);
}

/// Sums of squares over a parameter: of the difference, and of the exact values.
std::pair<double, double> error_and_size(ConstMatRef got, ConstMatRef exact) {
  double error = 0.0;
  double size = 0.0;
  for (std::size_t r = 0; r < exact.rows; ++r) {
    for (std::size_t c = 0; c < exact.cols; ++c) {
      const double x = element(exact, r, c);
      error += std::pow(element(got, r, c) - x, 2);
      size += x * x;
    }
  }
  return {error, size};
}

class BatchGradientOf : public ::testing::TestWithParam<const char*> {};

TEST_P(BatchGradientOf, Bf16ProductsIsNearThatOfF32) {
  if (!make_cpu_backend()->has(Precision::BF16)) {
    GTEST_SKIP() << "no bf16 products here";
  }
  const Documents documents(30);
  const Parameters exact = Learner({.precision = Precision::F32}, GetParam()).gradient(documents);
  const Parameters rounded =
      Learner({.precision = Precision::BF16}, GetParam()).gradient(documents);
  for (std::size_t i = 0; i < exact.specs().size(); ++i) {
    const auto [error, size] = error_and_size(rounded.at(i), exact.at(i));
    // A product rounds each factor by 2^-9 at most; there are 5 layers of them, forward and back.
    EXPECT_LE(error, size * std::pow(20.0 / 512.0, 2)) << exact.specs()[i].name;
  }
}

INSTANTIATE_TEST_SUITE_P(Families, BatchGradientOf,
                         ::testing::Values("llama", "gpt2", "qwen3", "gemma2"),
                         [](const auto& family) { return std::string(family.param); });

TEST(BatchGradient, NamesATokenOutsideTheVocabularyAndGoesOnAfterwards) {
  const Documents documents(10);
  Learner learner({.shard_rows = 128, .lanes = 2});
  const Parameters want = learner.gradient(documents);
  Documents bad = documents;
  bad.tokens[100] = 70;
  try {
    learner.gradient(bad);
    FAIL();
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), HasSubstr("70"));
  }
  bad = documents;
  bad.targets[0] = 1000;
  EXPECT_THROW(learner.gradient(bad), Error);
  EXPECT_TRUE(same_bits(learner.gradient(documents), want));
}

TEST(Tape, HoldsTheLogitsOfTheOrdinaryPass) {
  const Documents documents(6);
  const auto backend = make_reference_backend();
  const ModelConfig config = model_config(small_odd());
  const auto values = std::make_shared<Parameters>(fresh_parameters(config), DType::F64);
  initialize(*values, config, 3);
  const auto model = model_of(config, values);
  KvCache cache(config, *backend, 6);
  const Matrix want =
      model->forward(*backend, documents.batch(), cache, {.logits = LogitRows::All});
  Tape tape(*backend);
  for (int pass = 0; pass < 2; ++pass) {
    model->forward(*backend, documents.batch(), tape, {.logits = LogitRows::All});
    ASSERT_EQ(tape.logits().rows, want.rows());
    for (std::size_t r = 0; r < want.rows(); ++r) {
      for (std::size_t c = 0; c < want.cols(); ++c) {
        ASSERT_EQ(element(tape.logits(), r, c), element(want.ref(), r, c));
      }
    }
  }
}

TEST(Backward, RefusesWhatDoesNotFitTheTape) {
  const Documents documents(3);
  const auto backend = make_reference_backend();
  const ModelConfig config = model_config(small_odd());
  const auto values = std::make_shared<Parameters>(fresh_parameters(config), DType::F64);
  const auto model = model_of(config, values);
  Tape empty(*backend);
  EXPECT_THROW(backward(*backend, *model, empty, {}), Error);
  Tape tape(*backend, {.mlps = false});
  model->forward(*backend, documents.batch(), tape);
  EXPECT_THROW(backward(*backend, *model, tape, {}), Error);
  EXPECT_THROW(backward(*backend, *model, tape, {.freeze = Freeze::everything(), .seeds = 0}),
               Error);
  Matrix wrong = Matrix::host(2, 70, DType::F64);
  EXPECT_THROW(
      backward(*backend, *model, tape, {.freeze = Freeze::everything(), .dlogits = wrong.ref()}),
      Error);
  PointSet points;
  points.read({PointKind::AttnProbs, 0}, [](ConstMatRef, const PointContext&) {});
  EXPECT_THROW(
      backward(*backend, *model, tape, {.freeze = Freeze::everything(), .points = &points}), Error);
}

}  // namespace
}  // namespace cajal
