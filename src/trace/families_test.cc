// Rows of every model family add up: with random transcoders, since no path may be forgotten and
// no bias lost, whatever a family's blocks look like.
#include <cmath>

#include <gtest/gtest.h>

#include "base/random.h"
#include "testing/golden.h"
#include "trace/rows.h"

namespace cajal {
namespace {

constexpr std::size_t kFeatures = 24;

/// Memory of a dictionary made up here.
struct RandomWeights {
  std::vector<std::vector<float>> matrices;

  ConstMatRef make(std::size_t rows, std::size_t cols, double size) {
    std::vector<float>& m = matrices.emplace_back(rows * cols);
    for (std::size_t i = 0; i < m.size(); ++i) {
      m[i] = static_cast<float>(size * (2.0 * random_uniform(7, matrices.size(), i) - 1.0));
    }
    return {reinterpret_cast<const std::byte*>(m.data()), rows, cols, cols};
  }
  std::vector<float> vector(std::size_t count, double size) {
    const auto row = make(1, count, size).as<const float>().row(0);
    return {row.begin(), row.end()};
  }
};

struct Kind {
  DictionaryKind kind = DictionaryKind::Transcoder;
  bool skips = false;
  PointKind input = PointKind::MlpIn;
  PointKind output = PointKind::MlpOut;
};

std::shared_ptr<const Dictionary> random_dictionary(const ModelConfig& config, const Kind& kind) {
  auto weights = std::make_shared<RandomWeights>();
  std::vector<DictionaryLayer> layers;
  const std::size_t d = config.d_model;
  for (std::size_t l = 0; l < config.layers; ++l) {
    const std::size_t targets = kind.kind == DictionaryKind::CrossLayer ? config.layers - l : 1;
    const double size = 1.0 / std::sqrt(static_cast<double>(d));
    layers.push_back({.layer = l,
                      .input_point = name_of(Point{kind.input, l}),
                      .output_point = name_of(Point{kind.output, l}),
                      .w_enc = {weights->make(kFeatures, d, size)},
                      .w_dec = weights->make(kFeatures, targets * d, size),
                      .w_skip = {kind.skips ? weights->make(d, d, size) : ConstMatRef{}},
                      .b_enc = weights->vector(kFeatures, 0.1),
                      .b_dec = weights->vector(d, 0.1)});
  }
  return std::make_shared<const Dictionary>(
      DictionaryInfo{.kind = kind.kind, .name = "random", .format = "made up"}, std::move(layers),
      weights);
}

std::vector<TokenId> some_tokens(const ModelConfig& config) {
  std::vector<TokenId> out;
  for (std::size_t i = 0; i < 7; ++i) {
    out.push_back(static_cast<TokenId>((31 * i * i + 5 * i + 3) % config.vocab));
  }
  return out;
}

class RowsOfFamilies : public ::testing::TestWithParam<bool> {  // whether on `ref`
 protected:
  void expect_sums(Backend& backend, const std::shared_ptr<const Model>& model, const Kind& kind) {
    const ModelConfig& config = model->config();
    LocalReplacement replacement(backend, model, random_dictionary(config, kind),
                                 some_tokens(config));
    EXPECT_GT(replacement.features().size(), kFeatures);
    std::vector<RowTarget> targets;
    for (std::size_t i = 0; i < replacement.features().size(); i += 5) {
      targets.push_back(replacement.feature_target(i));
    }
    for (const TokenId token : {2, 11, 5}) {
      targets.push_back(replacement.logit_target(token, 6));
    }
    Matrix rows = make_matrix(backend, targets.size(), row_columns(replacement));
    compute_rows(backend, replacement, targets, rows.ref());
    // Relative to the sum of absolute values: some thousand roundings of eps, walks of few layers.
    const double eps = GetParam() ? 2.3e-16 : 1.2e-7;
    for (std::size_t i = 0; i < targets.size(); ++i) {
      EXPECT_LE(row_residual(targets[i], rows.ref(), i), 1000 * eps)
          << "row " << i << " at " << name_of(targets[i].point);
    }
  }
  template <typename Body>
  void each(const Body& body) {
    const auto folders = testing::golden_folders("models");
    if (!testing::have_or_skip(!folders.empty(), "golden", "there are no golden models")) {
      return;
    }
    const auto backend = GetParam() ? make_reference_backend() : make_cpu_backend();
    for (const auto& folder : folders) {
      if (std::filesystem::exists(folder / "config.json")) {
        SCOPED_TRACE(folder.filename().string());
        body(*backend, Model::load(folder));
      }
    }
  }
};

TEST_P(RowsOfFamilies, SumWithSkipTranscoders) {
  each([&](Backend& backend, const std::shared_ptr<const Model>& model) {
    expect_sums(backend, model, {.skips = true});
  });
}

TEST_P(RowsOfFamilies, SumWithCrossLayerTranscodersOfTheResidualStream) {
  each([&](Backend& backend, const std::shared_ptr<const Model>& model) {
    const ModelConfig& config = model->config();
    expect_sums(backend, model,
                {.kind = DictionaryKind::CrossLayer,
                 .input = config.parallel ? PointKind::ResidPre : PointKind::ResidMid,
                 .output = config.branch_is_changed() ? PointKind::MlpOutPost : PointKind::MlpOut});
  });
}

TEST_P(RowsOfFamilies, SumWithInputsBeforeTheGain) {
  each([&](Backend& backend, const std::shared_ptr<const Model>& model) {
    if (model->config().norm_before) {
      expect_sums(backend, model, {.skips = true, .input = PointKind::MlpInNormalized});
    }
  });
}

INSTANTIATE_TEST_SUITE_P(Backends, RowsOfFamilies, ::testing::Bool(),
                         [](const auto& param) { return param.param ? "ref" : "cpu"; });

}  // namespace
}  // namespace cajal
