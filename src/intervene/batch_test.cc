// A batch gives what its interventions give one by one.
#include "intervene/batch.h"

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "base/error.h"
#include "dictionary/load.h"
#include "intervene/run.h"
#include "testing/golden.h"

namespace cajal {
namespace {

// Activations are kept as float.
constexpr double kFloatRounding = 1e-5;

struct BatchCircuit {
  std::shared_ptr<const Model> model;
  std::shared_ptr<const Dictionary> dictionary;
  std::vector<TokenId> tokens;
};

template <typename Body>
void each_circuit(const Body& body) {
  testing::each_circuit_folder([&](const std::filesystem::path& folder) {
    body(BatchCircuit{Model::load(folder / "model"),
                      load_dictionary(folder / "transcoders"),
                      {1, 7, 4, 13, 10, 9}});
  });
}

FeatureEdit off(std::size_t layer, Positions positions, std::size_t feature) {
  return {.layer = layer, .positions = positions, .feature = feature, .change = {}};
}

/// The strongest feature of each layer at each position, as an edit that switches it off.
std::vector<FeatureEdit> strongest(Backend& backend, const BatchCircuit& c) {
  InterventionRun run(backend, c.model, c.dictionary, c.tokens, {},
                      {.record = Record::Activations});
  run.forward();
  std::vector<FeatureEdit> out;
  const std::vector<SparseRows> codes = run.take_activations();
  for (std::size_t i = 0; i < codes.size(); ++i) {
    for (std::size_t p = 1; p < c.tokens.size(); ++p) {
      const SparseRows::Row row = codes[i].row(p);
      const auto best = std::max_element(row.values.begin(), row.values.end());
      if (best != row.values.end()) {
        out.push_back(off(c.dictionary->layers()[i].layer, Positions::at(p),
                          row.columns[static_cast<std::size_t>(best - row.values.begin())]));
      }
    }
  }
  return out;
}

std::vector<BatchCase> cases_of(const std::vector<FeatureEdit>& edits, std::size_t width) {
  std::vector<BatchCase> out = {{}, {.features = edits}};
  for (std::size_t i = 0; i < edits.size(); i += 3) {
    out.push_back({.features = {edits[i]}});
    out.push_back({.features = {edits[i], edits.back()}});
    out.back().features[0].change = {ChangeKind::Scale, -1.5};
    out.push_back({.features = {edits.front(), edits[i]}});
    out.back().features[1].change = {ChangeKind::Add, 0.75};
    out.push_back({.features = {edits[i]}});
    out.back().features[0].positions = Positions::from(2);
  }
  std::vector<double> add(width);
  for (std::size_t c = 0; c < width; ++c) {
    add[c] = 0.1 * std::sin(static_cast<double>(c));
  }
  out.push_back({.features = {edits.back()}, .embeddings = {{.position = 2, .add = add}}});
  return out;
}

Interventions interventions_of(const BatchCase& one) {
  Interventions out = {.features = one.features, .points = {}, .frozen = {}};
  for (const EmbeddingEdit& edit : one.embeddings) {
    out.points.push_back({.point = "embeddings",
                          .positions = Positions::at(edit.position),
                          .change = {ChangeKind::Add, 1.0},
                          .direction = edit.add});
  }
  return out;
}

double at(const SparseRows& codes, std::size_t row, std::size_t feature) {
  const SparseRows::Row r = codes.row(row);
  for (std::size_t i = 0; i < r.size(); ++i) {
    if (r.columns[i] == feature) {
      return static_cast<double>(r.values[i]);
    }
  }
  return 0.0;
}

class InterventionBatches : public ::testing::TestWithParam<bool> {  // whether on `ref`
 protected:
  /// `passes` is 0 where it does not matter.
  void expect_same(const BatchCircuit& c, const InterventionBatchOptions& options,
                   std::size_t passes = 0) {
    const auto backend = GetParam() ? make_reference_backend() : make_cpu_backend();
    const std::vector<FeatureEdit> edits = strongest(*backend, c);
    const std::vector<BatchCase> cases = cases_of(edits, c.model->config().d_model);
    std::vector<FeaturePlace> watched;
    for (const FeatureEdit& edit : edits) {
      watched.push_back({edit.layer, edit.positions.begin, edit.feature});
    }
    InterventionBatch batch(*backend, c.model, c.dictionary, c.tokens, options);
    const BatchOutcome got = batch.run(cases, watched, cases.size());
    EXPECT_TRUE(passes == 0 || got.passes == passes) << got.passes;
    for (std::size_t s = 0; s < cases.size(); ++s) {
      InterventionRun run(*backend, c.model, c.dictionary, c.tokens, interventions_of(cases[s]),
                          {.record = Record::Activations});
      const Matrix logits = run.forward(LogitRows::Last);
      double size = 0.0;
      double difference = 0.0;
      for (std::size_t v = 0; v < logits.cols(); ++v) {
        const double want = element(logits.ref(), 0, v);
        size = std::max(size, std::abs(want));
        difference = std::max(difference, std::abs(element(got.logits.ref(), s, v) - want));
      }
      EXPECT_LE(difference, kFloatRounding * std::max(1.0, size)) << "case " << s;
      expect_watched(c, run, watched, std::span(got.activations).subspan(s * watched.size()));
    }
  }
  static void expect_watched(const BatchCircuit& c, InterventionRun& run,
                             const std::vector<FeaturePlace>& watched,
                             std::span<const double> got) {
    const std::vector<SparseRows> codes = run.take_activations();
    for (std::size_t w = 0; w < watched.size(); ++w) {
      const std::size_t index = *c.dictionary->index_of(watched[w].layer);
      const double want = at(codes[index], watched[w].position, watched[w].feature);
      EXPECT_NEAR(got[w], want, 10 * kFloatRounding * std::max(1.0, std::abs(want)))
          << "watched " << w;
    }
  }
};

TEST_P(InterventionBatches, GiveWhatEachGivesByItself) {
  each_circuit([&](const BatchCircuit& c) { expect_same(c, {}, 1); });
}

TEST_P(InterventionBatches, GiveTheSameInSeveralPasses) {
  each_circuit([&](const BatchCircuit& c) { expect_same(c, {.rows = 7}); });
}

TEST(InterventionBatch, KeepsNoMoreThanItMay) {
  const auto backend = make_cpu_backend();
  each_circuit([&](const BatchCircuit& c) {
    const auto passes = [&](std::size_t position, const InterventionBatchOptions& options) {
      const std::vector<BatchCase> cases(7, {.features = {off(0, Positions::at(position), 0)}});
      InterventionBatch batch(*backend, c.model, c.dictionary, c.tokens, options);
      return batch.run(cases).passes;
    };
    const std::size_t tokens = c.tokens.size();
    EXPECT_EQ(passes(tokens - 1, {}), 1U);
    // Every case holds the whole prompt, however little of it runs again.
    EXPECT_EQ(passes(tokens - 1, {.held = 2 * tokens}), 4U);
    EXPECT_EQ(passes(tokens - 1, {.held = 1}), 7U);
    EXPECT_EQ(passes(tokens - 1, {.rows = 3}), 3U);
    EXPECT_EQ(passes(tokens - 2, {.rows = 3}), 7U);  // two do not fit
  });
}

TEST(InterventionBatch, StopsWhenAskedTo) {
  const auto backend = make_cpu_backend();
  each_circuit([&](const BatchCircuit& c) {
    std::stop_source stop;
    InterventionBatch batch(*backend, c.model, c.dictionary, c.tokens,
                            {.cancel = stop.get_token()});
    const std::vector<BatchCase> cases(1);
    batch.run(cases);
    stop.request_stop();
    try {
      batch.run(cases);
      ADD_FAILURE() << "it ran on";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::Cancelled);
    }
  });
}

INSTANTIATE_TEST_SUITE_P(Backends, InterventionBatches, ::testing::Bool(),
                         [](const auto& param) { return param.param ? "ref" : "cpu"; });

TEST(InterventionBatch, RefusesWhatIsNotThere) {
  const auto backend = make_cpu_backend();
  bool tried = false;
  each_circuit([&](const BatchCircuit& c) {
    if (tried) {
      return;
    }
    tried = true;
    InterventionBatch batch(*backend, c.model, c.dictionary, c.tokens);
    const std::vector<BatchCase> beyond = {{.features = {off(0, Positions::at(99), 0)}}};
    EXPECT_THROW(batch.run(beyond), Error);
    std::vector<BatchCase> from = {{.features = {off(0, Positions::at(1), 0)}}};
    from[0].features[0].change.kind = ChangeKind::From;
    EXPECT_THROW(batch.run(from), Error);
    const std::vector<BatchCase> narrow = {{.features = {}, .embeddings = {{.add = {1.0}}}}};
    EXPECT_THROW(batch.run(narrow), Error);
    const FeaturePlace place = {.layer = 0, .position = 1, .feature = SIZE_MAX};
    EXPECT_THROW(batch.run({}, std::span(&place, 1)), Error);
    EXPECT_THROW(InterventionBatch(*backend, c.model, c.dictionary, {}), Error);
  });
}

}  // namespace
}  // namespace cajal
