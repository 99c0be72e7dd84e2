#include "train/dictionary/learn.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"
#include "io/safetensors.h"
#include "testing/files.h"
#include "testing/golden.h"
#include "testing/random_model.h"

namespace cajal {
namespace {

namespace fs = std::filesystem;

/// Dictionaries for both layers of a random model, on `ref`, small enough to run many times.
class SmallLearn {
 public:
  explicit SmallLearn(const fs::path& folder, std::string kind = "transcoder")
      : backend_(make_cpu_backend()) {
    fs::create_directories(model_.path());
    testing::write_random_model(model_.path(), R"({"model_type": "llama", "vocab_size": 40,
      "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
      "num_key_value_heads": 2, "head_dim": 8, "max_position_embeddings": 32,
      "tie_word_embeddings": true})");
    auto texts = std::make_shared<TokenizedTexts>(Framing{1, 2, 32});
    for (TokenId i = 0; i < 60; ++i) {
      texts->add_document(std::vector<TokenId>{1, 3 + i % 37, 4 + i * 7 % 35, 3 + i * 3 % 31, 2});
    }
    const bool clt = kind == "clt";
    const bool sae = kind == "sae";
    options_.folder = folder;
    options_.model = Model::load(model_.path());
    options_.shape = {.layers = clt ? 2U : 1U, .features = 48, .d_in = 16, .d_out = 16};
    options_.recipe = {.code = CodeKind::BatchTopK,
                       .k = 4,
                       .ranks_by_norm = true,
                       .subtracts_bias = sae,
                       .auxiliary = {.coefficient = 0.03125, .relu = false, .partial = true},
                       .dead = {.window = 64},
                       .start = Start::MeanTarget,
                       .schedule = {.peak = 3e-3, .steps = 12, .warmup = 2, .decay = 3}};
    for (const std::size_t layer : {0U, 1U}) {
      const Point in{sae ? PointKind::ResidPost : PointKind::MlpIn, layer};
      const Point out{sae ? PointKind::ResidPost : PointKind::MlpOut, layer};
      options_.pool.inputs.push_back(in);
      options_.pool.outputs.push_back(out);
      options_.result.inputs.push_back(name_of(in));
      options_.result.outputs.push_back(name_of(out));
    }
    options_.pool.left_out = {0, 1, 2};
    options_.pool.rows = 96;
    options_.pool.batch = 32;
    options_.pool.pass = 64;
    options_.pool.longest = 32;
    options_.pool.seed = options_.seed = 5;
    options_.data = {{.name = "texts", .source = texts}};
    options_.heldout = {texts};
    options_.heldout_rows = 128;
    options_.evaluate_every = 4;
    options_.checkpoint_every = 1;
    options_.result.kind = sae   ? DictionaryKind::Sae
                           : clt ? DictionaryKind::CrossLayer
                                 : DictionaryKind::Transcoder;
    options_.result.layers = {0, 1};
    options_.result.dtype = DType::F32;
    options_.description = R"({"seed":5})";
  }

  LearnOptions& options() { return options_; }
  Backend& backend() { return *backend_; }

  LearnResult run(Beginning beginning, std::size_t stop_after = 1000) {
    std::stop_source source;
    struct StopAfter final : LearnObserver {
      void stepped(const LearnRow& row, std::size_t) override {
        if (row.step >= after) {
          source->request_stop();
        }
      }
      std::size_t after = 0;
      std::stop_source* source = nullptr;
    } observer;
    observer.after = stop_after;
    observer.source = &source;
    if (stop_after == 0) {
      source.request_stop();
    }
    return learn(*backend_, options_, beginning, observer, source.get_token());
  }

 private:
  testing::TemporaryFolder model_;
  std::unique_ptr<Backend> backend_;
  LearnOptions options_;
};

/// Each row the same for every caller, whatever its type.
Matrix normal_rows(std::size_t rows, std::size_t cols, DType dtype, double scale = 1.0) {
  std::vector<double> values(rows * cols);
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = scale * random_normal(9, 1, i);
  }
  Matrix out = Matrix::host(rows, cols, dtype);
  store(values, out.ref());
  return out;
}

std::string bytes_of_learned(const fs::path& folder) {
  return read_file(training_folder(folder) / "step-00000012.safetensors") +
         read_file(training_folder(folder) / "learning.csv") +
         read_file(training_folder(folder) / "layers.csv");
}

TEST(Learn, EndsWithTheSameBytesWhenItWasStoppedOnTheWay) {
  const testing::TemporaryFolder folder;
  EXPECT_TRUE(SmallLearn(folder / "whole").run(Beginning::New).finished);
  for (const std::size_t stop : {0U, 1U, 3U, 5U, 11U}) {
    const fs::path path = folder / fmt::format("stopped{}", stop);
    EXPECT_FALSE(SmallLearn(path).run(Beginning::New, stop).finished);
    const LearnResult result = SmallLearn(path).run(Beginning::Resumed);
    EXPECT_TRUE(result.finished);
    EXPECT_EQ(result.history.size(), 12U);
    EXPECT_EQ(bytes_of_learned(path), bytes_of_learned(folder / "whole"))
        << "stopped after " << stop;
  }
}

TEST(Learn, APenaltyThatAdaptsItselfGoesOnWhereItWas) {
  const testing::TemporaryFolder folder;
  const auto run = [&](const char* name, Beginning beginning, std::size_t stop_after) {
    SmallLearn small(folder / name);
    small.options().recipe.code = CodeKind::Relu;
    small.options().recipe.sparsity = {.kind = SparsityKind::L1,
                                       .coefficient = {.value = 1.0},
                                       .target = 4.0,
                                       .pace = 0.1,
                                       .horizon = 50.0};
    small.run(beginning, stop_after);
  };
  run("whole", Beginning::New, 1000);
  run("stopped", Beginning::New, 5);
  run("stopped", Beginning::Resumed, 1000);
  EXPECT_EQ(bytes_of_learned(folder / "stopped"), bytes_of_learned(folder / "whole"));
}

TEST(Learn, RefusesToBeginWhereALearningWas) {
  const testing::TemporaryFolder folder;
  SmallLearn(folder / "d").run(Beginning::New, 2);
  const auto thrown = testing::thrown_by([&] { SmallLearn(folder / "d").run(Beginning::New); });
  EXPECT_EQ(thrown.code, ErrorCode::InvalidArgument);
  EXPECT_THAT(thrown.message, ::testing::HasSubstr("--resume"));
  EXPECT_TRUE(SmallLearn(folder / "d").run(Beginning::Over).finished);
}

TEST(Learn, ThresholdsLetKFeaturesOfALayerFireOnAverage) {
  for (const char* kind : {"transcoder", "sae", "clt"}) {
    const testing::TemporaryFolder folder;
    const LearnResult result = SmallLearn(folder / "d", kind).run(Beginning::New);
    ASSERT_EQ(result.figures.size(), 2U) << kind;
    for (const LayerFigures& layer : result.figures) {
      EXPECT_NEAR(layer.l0, 4.0, 4.0 / 128.0) << kind;  // equal rows tie at the cut
      EXPECT_LT(layer.fvu, 1.0) << kind;
    }
  }
}

TEST(Learn, ADictionaryMayHaveAKOfItsOwn) {
  const testing::TemporaryFolder folder;
  SmallLearn small(folder / "d", "transcoder");
  small.options().k = {2.0, 6.0};
  const LearnResult result = small.run(Beginning::New);
  ASSERT_EQ(result.figures.size(), 2U);
  EXPECT_NEAR(result.figures[0].l0, 2.0, 2.0 / 128.0);
  EXPECT_NEAR(result.figures[1].l0, 6.0, 6.0 / 128.0);
}

TEST(Learn, APenaltyAdaptsItselfUntilAsManyFeaturesFireAsWereAskedFor) {
  const auto backend = make_cpu_backend();
  const DictionaryShape shape = {.features = 48, .d_in = 16, .d_out = 16};
  const Matrix x = normal_rows(128, 16, DType::F32);
  const std::vector<ConstMatRef> rows = {x.ref()};
  for (const double wanted : {3.0, 8.0}) {
    const DictionaryRecipe recipe = {.code = CodeKind::Relu,
                                     .sparsity = {.kind = SparsityKind::L1,
                                                  .coefficient = {.value = 1.0},
                                                  .target = wanted,
                                                  .pace = 0.02,
                                                  .horizon = 100.0},
                                     .schedule = {.peak = 3e-3, .steps = 1500}};
    DictionaryLearner learner(*backend, shape, recipe,
                              fresh_dictionary(shape, recipe, true, 0.0, DType::F32, 3));
    double l0 = 0.0;
    double fewest = 48.0;
    for (int i = 0; i < 1500; ++i) {
      const LearnedStep made = learner.step({.x = rows, .y = rows});
      fewest = std::min(fewest, made.l0);
      l0 += i >= 1300 ? made.l0 / 200.0 : 0.0;
    }
    EXPECT_NEAR(l0, wanted, 0.1 * wanted);
    EXPECT_GT(fewest, 0.8 * wanted);  // without a horizon 0.63 and 0.76 of it
  }
}

TEST(Learn, ThresholdsBeginWhereAsManyFeaturesFireAsWereAskedFor) {
  const auto backend = make_cpu_backend();
  const DictionaryShape shape = {.features = 48, .d_in = 16, .d_out = 16};
  const Matrix x = normal_rows(128, 16, DType::F32);
  const std::vector<ConstMatRef> rows = {x.ref()};
  for (const auto parameter : {ThresholdParameter::Raw, ThresholdParameter::Log}) {
    const DictionaryRecipe recipe = {
        .code = CodeKind::JumpRelu,
        .jump = {.parameter = parameter, .bandwidth = 0.4, .calibrated = true},
        .sparsity = {.kind = SparsityKind::Quadratic, .target = 5.0}};
    DictionaryLearner learner(*backend, shape, recipe,
                              fresh_dictionary(shape, recipe, false, 0.5, DType::F32, 3));
    learner.start({.x = rows, .y = rows});
    const double l0 = learner.measure({.x = rows, .y = rows}).front().l0;
    EXPECT_NEAR(l0, 5.0, 2.0 / 128.0);  // the lowest is not above itself; a logarithm is rounded
  }
}

TEST(Learn, ThresholdsLetAllFireThatCanWhereTheyAreFewerThanWereAskedFor) {
  const auto backend = make_cpu_backend();
  const DictionaryShape shape = {.features = 16, .d_in = 16, .d_out = 16};
  const Matrix x = normal_rows(128, 16, DType::F32);
  const std::vector<ConstMatRef> rows = {x.ref()};
  const auto l0_at_start = [&](double target, bool calibrated, double threshold) {
    const DictionaryRecipe recipe = {
        .code = CodeKind::JumpRelu,
        .jump = {.bandwidth = 0.4, .calibrated = calibrated},
        .sparsity = {.kind = SparsityKind::Quadratic, .target = target}};
    DictionaryLearner learner(*backend, shape, recipe,
                              fresh_dictionary(shape, recipe, false, threshold, DType::F32, 3));
    learner.start({.x = rows, .y = rows});
    return learner.measure({.x = rows, .y = rows}).front().l0;
  };
  const double above_zero = l0_at_start(15.0, false, 0.0);  // about half of 16
  EXPECT_LT(above_zero, 12.0);
  EXPECT_NEAR(l0_at_start(15.0, true, 0.5), above_zero, 2.0 / 128.0);
}

TEST(Learn, AuxiliaryFeaturesFoundInPassingAreThoseSoughtAlone) {
  const auto backend = make_cpu_backend();
  const DictionaryShape shape = {.features = 96, .d_in = 16, .d_out = 16};
  const Matrix x = normal_rows(64, 16, DType::F32);
  const std::vector<ConstMatRef> rows = {x.ref()};
  for (const bool relu : {false, true}) {
    for (const bool by_norm : {false, true}) {
      const auto stepped = [&](bool alone) {
        const DictionaryRecipe recipe = {
            .k = 5,
            .ranks_by_norm = by_norm,
            // Each prefix is sought alone, and here the only one is all features.
            .auxiliary = {.coefficient = 0.5, .count = 4, .relu = relu, .each_prefix = alone},
            .dead = {.unit = CountUnit::Steps, .window = 10},
            .schedule = {.peak = 1e-2, .steps = 100}};
        Parameters fresh = fresh_dictionary(shape, recipe, true, 0.0, DType::F32, 3);
        for (std::size_t i = 0; i < shape.features; ++i) {  // norms that change the order
          const MatRef row = layer_of(fresh, shape, 0).w_dec.row_range(i, 1);
          ops::scale(*backend, row, 1.0 + 0.1 * static_cast<double>(i % 7), row);
        }
        DictionaryLearner learner(*backend, shape, recipe, std::move(fresh));
        for (std::size_t i = 0; i < shape.features; ++i) {
          learner.since_fired()[i] = i % 3 == 0 ? 1000 : 0;  // more than one in eight
        }
        const LearnedStep made = learner.step({.x = rows, .y = rows});
        return std::pair(made, doubles_of(layer_of(learner.gradients(), shape, 0).w_enc));
      };
      const auto [passing, gradient] = stepped(false);
      const auto [alone, expected] = stepped(true);
      EXPECT_EQ(passing.dead, 32U);
      EXPECT_GT(alone.auxiliary, 0.0);
      EXPECT_NEAR(passing.auxiliary, alone.auxiliary, 1e-6 * alone.auxiliary);
      EXPECT_THAT(gradient, ::testing::Pointwise(::testing::DoubleNear(1e-6), expected));
    }
  }
}

TEST(Learn, AFrozenDecoderStaysWhileTheEncoderLearns) {
  const auto backend = make_cpu_backend();
  const DictionaryShape shape = {.features = 24, .d_in = 7, .d_out = 7};
  const DictionaryRecipe recipe = {.k = 5,
                                   .ranks_by_norm = true,
                                   .auxiliary = {.coefficient = 0.1, .relu = false},
                                   .dead = {.window = 10},
                                   .decoder = {.frozen = true},
                                   .schedule = {.peak = 1e-2, .steps = 100}};
  const auto fresh = [&] { return fresh_dictionary(shape, recipe, true, 0.0, DType::F32, 3); };
  const Parameters before = fresh();
  DictionaryLearner learner(*backend, shape, recipe, fresh());
  const Matrix x = normal_rows(40, 7, DType::F32);
  const std::vector<ConstMatRef> rows = {x.ref()};
  const double fvu = learner.step({.x = rows, .y = rows}).fvu;
  for (int i = 0; i < 60; ++i) {
    learner.step({.x = rows, .y = rows});
  }
  EXPECT_LT(learner.step({.x = rows, .y = rows}).fvu, 0.9 * fvu);
  const auto was = layer_of(before, shape, 0);
  const auto is = layer_of(std::as_const(learner).values(), shape, 0);
  EXPECT_EQ(doubles_of(is.w_dec), doubles_of(was.w_dec));
  EXPECT_NE(doubles_of(is.w_enc), doubles_of(was.w_enc));
}

/// What one feature writes to row r: its activation times its decoder row, at column c.
double written(const DictionaryLayer& layer, ConstMatRef x, std::size_t r, std::size_t feature,
               std::size_t c) {
  double a = layer.b_enc[feature];
  for (std::size_t i = 0; i < x.cols; ++i) {
    a += element(layer.w_enc.matrix, feature, i) * element(x, r, i);
  }
  return a * element(layer.w_dec, feature, c);
}

TEST(Learn, ExportFoldsScalesNormsAndBiases) {
  const auto backend = make_reference_backend();
  const auto cpu = make_cpu_backend();
  const DictionaryShape shape = {.features = 24, .d_in = 7, .d_out = 7};
  for (const bool subtracts : {true, false}) {
    const DictionaryRecipe recipe = {.k = 5, .ranks_by_norm = true, .subtracts_bias = subtracts};
    Parameters values = fresh_dictionary(shape, recipe, false, 0.0, DType::F64, 3);
    store(std::vector<double>(7, 0.25), layer_of(values, shape, 0).b_dec);
    store(std::vector<double>(24, 0.125), layer_of(values, shape, 0).b_enc);
    DictionaryLearner learner(*backend, shape, recipe, std::move(values));
    const LayerScales scales = {.input = 0.5, .output = 2.0};
    const Matrix x = normal_rows(40, 7, DType::F64);
    const Matrix scaled = normal_rows(40, 7, DType::F64, scales.input);
    const DictionaryLearner* const learners[] = {&learner};
    const ConstMatRef rows[] = {x.ref()};
    const auto dictionary = exported(
        learners, std::span(&scales, 1), rows,
        {.dtype = DType::F32, .layers = {0}, .inputs = {"mlp_in.0"}, .outputs = {"mlp_out.0"}});
    const DictionaryLayer& layer = dictionary->layers().front();
    for (const double norm : row_norms(*cpu, layer.w_dec)) {
      EXPECT_NEAR(norm, 1.0, 1e-6);
    }
    const SparseEntries entries = learner.encode(0, scaled.ref());
    const auto own = layer_of(std::as_const(learner).values(), shape, 0);
    for (std::size_t r = 0; r < 40; ++r) {
      for (std::size_t e = entries.pattern.starts[r]; e < entries.pattern.starts[r + 1]; ++e) {
        const std::size_t feature = entries.pattern.columns[e];
        const double want = entries.values[e] * element(own.w_dec, feature, 3) / scales.output;
        EXPECT_NEAR(written(layer, rows[0], r, feature, 3), want, 1e-6);
      }
    }
    EXPECT_NEAR(layer.b_dec[2], 0.25 / scales.output, 1e-7);
  }
}

/// The largest cosine of each true atom with any decoder row, on average.
double recovery(Backend& backend, const DictionaryLearner& learner, ConstMatRef atoms) {
  const ConstMatRef w_dec = layer_of(learner.values(), learner.shape(), 0).w_dec;
  const std::vector<double> norms = row_norms(backend, w_dec);
  double sum = 0.0;
  for (std::size_t a = 0; a < atoms.rows; ++a) {
    double best = -1.0;
    for (std::size_t i = 0; i < w_dec.rows; ++i) {
      double product = 0.0;
      for (std::size_t c = 0; c < atoms.cols; ++c) {
        product += element(atoms, a, c) * element(w_dec, i, c);
      }
      best = std::max(best, product / norms[i]);
    }
    sum += best / static_cast<double>(atoms.rows);
  }
  return sum;
}

double recovered(CodeKind code, std::size_t features) {
  const auto file = Safetensors::open(testing::shared_folder() /
                                      "golden/dictionaries/synthetic/data.safetensors");
  const auto backend = make_cpu_backend();
  const ConstMatRef x = as_matrix(file->at("x"));
  constexpr std::size_t kBatch = 512;
  const DictionaryShape shape = {.features = features, .d_in = x.cols, .d_out = x.cols};
  const DictionaryRecipe recipe = {
      .code = code,
      .k = 4,
      .ranks_by_norm = true,
      .auxiliary = {.coefficient = 0.03125, .relu = false, .partial = true},
      .dead = {.unit = CountUnit::Steps, .window = 100},
      .schedule = {.peak = 3e-3, .steps = 3000, .warmup = 100, .decay = 600}};
  DictionaryLearner learner(*backend, shape, recipe,
                            fresh_dictionary(shape, recipe, true, 0.0, DType::F32, 1));
  Matrix batch = Matrix::host(kBatch, x.cols, DType::F32);
  const double scale =
      std::sqrt(static_cast<double>(x.cols)) / ActivationPool::mean_norm(*backend, x);
  for (std::uint64_t t = 0; t < 3000; ++t) {
    for (std::size_t r = 0; r < kBatch; ++r) {
      const auto row = static_cast<std::size_t>(random_bits(2, t, r) % x.rows);
      convert(x.row_range(row, 1), batch.ref().row_range(r, 1));
    }
    ops::scale(*backend, std::as_const(batch).ref(), scale, batch.ref());
    const std::vector<ConstMatRef> rows = {std::as_const(batch).ref()};
    learner.step({.x = rows, .y = rows});
  }
  return recovery(*backend, learner, as_matrix(file->at("atoms")));
}

TEST(Learn, RecoversTheTruthOfSyntheticDataAsWellAsThePublishedTrainer) {
  if (!testing::have_or_skip(!testing::shared_folder().empty(), "golden", "no golden data")) {
    return;
  }
  EXPECT_GE(recovered(CodeKind::TopK, 64), 0.945);
  EXPECT_GE(recovered(CodeKind::TopK, 96), 0.990);
  EXPECT_GE(recovered(CodeKind::BatchTopK, 96), 0.973);
}

}  // namespace
}  // namespace cajal
