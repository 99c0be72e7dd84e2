// Parts of heads and what bypassed attention are the effect, in every family.
#include "trace/heads.h"

#include <cmath>
#include <numeric>

#include <gtest/gtest.h>

#include "base/error.h"
#include "testing/golden.h"
#include "trace/random_dictionary_test.h"
#include "trace/rows.h"

namespace cajal {
namespace {

using testing::DictionaryShape;
using testing::random_dictionary;
using testing::some_tokens;

class HeadsOfFamilies : public ::testing::TestWithParam<bool> {  // whether on `ref`
 protected:
  void expect_sums(Backend& backend, const std::shared_ptr<const Model>& model,
                   const DictionaryShape& shape) {
    const ModelConfig& config = model->config();
    LocalReplacement replacement(backend, model, random_dictionary(config, shape),
                                 some_tokens(config));
    std::vector<RowTarget> targets;
    for (std::size_t i = replacement.features().size() / 2; i < replacement.features().size();
         i += 7) {
      targets.push_back(replacement.feature_target(i));
    }
    targets.push_back(replacement.logit_target(5, 6));
    const std::vector<HeadSource> sources = sources_of(replacement);
    std::vector<HeadEdge> edges;
    for (std::size_t s = 0; s < sources.size(); ++s) {
      edges.push_back({.source = s, .targets = {}});
      for (std::size_t t = s; t < targets.size(); t += 2) {
        edges.back().targets.push_back({t, 1.0 + 0.5 * static_cast<double>(t)});
      }
    }
    expect_sums(backend, replacement, {sources, targets, edges});
  }

 private:
  struct Given {
    const std::vector<HeadSource>& sources;
    const std::vector<RowTarget>& targets;
    const std::vector<HeadEdge>& edges;
  };

  static std::vector<HeadSource> sources_of(const LocalReplacement& replacement) {
    std::vector<HeadSource> out(3);
    for (std::uint32_t i = 0; i < replacement.features().size() / 2; i += 3) {
      out[i % 2].features.push_back(i);
    }
    out[1].positions = {4};
    out[2].positions = {0, 2, 6};
    return out;
  }

  static void expect_sums(Backend& backend, LocalReplacement& replacement, const Given& given) {
    Matrix rows = make_matrix(backend, given.targets.size(), row_columns(replacement));
    compute_rows(backend, replacement, given.targets, rows.ref());
    const auto splits =
        split_by_heads(backend, replacement, given.sources, given.targets, given.edges);
    ASSERT_EQ(splits.size(), given.edges.size());
    std::size_t all_parts = 0;  // an edge of parallel blocks may pass no head
    for (std::size_t e = 0; e < splits.size(); ++e) {
      const auto [effect, size] = effect_of(rows.ref(), replacement.counts(), given, e);
      double sum = splits[e].bypass;
      double parts = std::abs(splits[e].bypass);
      for (const HeadPart& part : splits[e].parts) {
        sum += part.effect;
        parts += std::abs(part.effect);
      }
      all_parts += splits[e].parts.size();
      // As rows add up: some thousand roundings of eps, relative to the sums of absolute values.
      const double eps = GetParam() ? 2.3e-16 : 1.2e-7;
      EXPECT_NEAR(sum, effect, 1000 * eps * (size + parts)) << "edge " << e;
    }
    EXPECT_GT(all_parts, 10U);
  }

  /// The effect of an edge by the rows, and the sum of its terms' absolute values.
  static std::pair<double, double> effect_of(ConstMatRef rows, const NodeCounts& counts,
                                             const Given& given, std::size_t e) {
    double sum = 0.0;
    double size = 0.0;
    const auto add = [&](const GainedTarget& one, std::size_t column) {
      const double term = one.gain * element(rows, one.target, column);
      sum += term;
      size += std::abs(term);
    };
    const HeadSource& source = given.sources[given.edges[e].source];
    for (const GainedTarget& one : given.edges[e].targets) {
      for (const std::uint32_t i : source.features) {
        add(one, i);
      }
      for (const std::uint32_t position : source.positions) {
        add(one, counts.embedding(position));
      }
    }
    return {sum, size};
  }
};

template <typename Body>
void each_family(bool on_ref, const Body& body) {
  const auto folders = testing::golden_folders("models");
  if (!testing::have_or_skip(!folders.empty(), "golden", "there are no golden models")) {
    return;
  }
  const auto backend = on_ref ? make_reference_backend() : make_cpu_backend();
  for (const auto& folder : folders) {
    if (std::filesystem::exists(folder / "config.json")) {
      SCOPED_TRACE(folder.filename().string());
      body(*backend, Model::load(folder));
    }
  }
}

TEST_P(HeadsOfFamilies, AddUpWithSkipTranscoders) {
  each_family(GetParam(), [&](Backend& backend, const std::shared_ptr<const Model>& model) {
    expect_sums(backend, model, {.skips = true});
  });
}

TEST_P(HeadsOfFamilies, AddUpWithCrossLayerTranscodersOfTheResidualStream) {
  each_family(GetParam(), [&](Backend& backend, const std::shared_ptr<const Model>& model) {
    const ModelConfig& config = model->config();
    expect_sums(backend, model,
                {.kind = DictionaryKind::CrossLayer,
                 .input = config.parallel ? PointKind::ResidPre : PointKind::ResidMid,
                 .output = config.branch_is_changed() ? PointKind::MlpOutPost : PointKind::MlpOut});
  });
}

TEST_P(HeadsOfFamilies, AddUpWithInputsBeforeTheGain) {
  each_family(GetParam(), [&](Backend& backend, const std::shared_ptr<const Model>& model) {
    if (model->config().norm_before) {
      expect_sums(backend, model, {.input = PointKind::MlpInNormalized});
    }
  });
}

INSTANTIATE_TEST_SUITE_P(Backends, HeadsOfFamilies, ::testing::Bool(),
                         [](const auto& param) { return param.param ? "ref" : "cpu"; });

}  // namespace
}  // namespace cajal
