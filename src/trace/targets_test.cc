// Targets anywhere in a prompt: a row is what it would be if the prompt ended there.
#include <algorithm>
#include <cmath>

#include <gmock/gmock.h>

#include "testing/files.h"
#include "testing/golden.h"
#include "trace/golden_run_test.h"
#include "trace/trace.h"

namespace cajal {
namespace {

using testing::CircuitRun;
using ::testing::HasSubstr;
using testing::thrown_by;

constexpr TokenId kToken = 9;

Matrix rows_of(Backend& backend, LocalReplacement& replacement,
               const std::vector<RowTarget>& targets) {
  Matrix out = make_matrix(backend, targets.size(), row_columns(replacement));
  compute_rows(backend, replacement, targets, out.ref());
  return out;
}

/// The column of `shorter` as one of `longer`.
std::size_t column_in(const LocalReplacement& longer, const LocalReplacement& shorter,
                      std::size_t column) {
  const NodeCounts from = shorter.counts();
  const NodeCounts to = longer.counts();
  if (column < from.features) {
    const ActiveFeature& f = shorter.features()[column];
    return longer.find(f.layer, f.position, f.feature).value_or(SIZE_MAX);
  }
  if (column < from.embedding(0)) {
    const std::size_t error = column - from.features;
    return to.error(error / from.positions, error % from.positions);
  }
  return column < from.sources() ? to.embedding(column - from.embedding(0))
                                 : to.sources() + column - from.sources();
}

/// The largest difference between row `row` of `rows` and the only row of a prompt that ends there.
double difference(const LocalReplacement& longer, const Matrix& rows, std::size_t row,
                  const LocalReplacement& shorter, const Matrix& want) {
  double out = 0.0;
  double left = 0.0;
  for (std::size_t c = 0; c < rows.cols(); ++c) {
    left += std::abs(element(rows.ref(), row, c));
  }
  for (std::size_t c = 0; c < want.cols(); ++c) {
    const std::size_t at = column_in(longer, shorter, c);
    const double x = at == SIZE_MAX ? INFINITY : element(rows.ref(), row, at);
    out = std::max(out, std::abs(x - element(want.ref(), 0, c)));
    left -= std::abs(x);
  }
  return std::max(out, std::abs(left));  // nothing may stand in later columns
}

TEST(TargetsAnywhere, TokensAfterEarlierPositionsHaveTheRowsOfShorterPrompts) {
  const auto backend = make_reference_backend();
  testing::each_circuit_folder([&](const std::filesystem::path& folder) {
    const auto model = Model::load(folder / "model");
    const auto dictionary = load_dictionary(folder / "transcoders");
    const auto tokens = CircuitRun::tokens(testing::CircuitCase(folder));
    LocalReplacement longer(*backend, model, dictionary, tokens, {.logits = LogitRows::All});
    std::vector<RowTarget> targets;
    for (std::size_t p = 1; p < tokens.size(); ++p) {
      targets.push_back(longer.logit_target(kToken, p));
    }
    targets.push_back(longer.feature_target(0));
    const Matrix rows = rows_of(*backend, longer, targets);
    const Matrix alone = rows_of(*backend, longer, {targets[0]});  // a batch that ends early
    for (std::size_t p = 1; p < tokens.size(); ++p) {
      LocalReplacement shorter(
          *backend, model, dictionary,
          {tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(p) + 1});
      const RowTarget target = shorter.logit_target(kToken, p);
      const Matrix want = rows_of(*backend, shorter, {target});
      EXPECT_NEAR(target.value, targets[p - 1].value, 1e-9);
      EXPECT_LE(difference(longer, rows, p - 1, shorter, want), 1e-9) << p;
      if (p == 1) {
        EXPECT_LE(difference(longer, alone, 0, shorter, want), 1e-9);
      }
    }
  });
}

class OneCircuit : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto folders = testing::circuit_folders();
    if (testing::have_or_skip(!folders.empty(), "golden", "there are no golden circuits")) {
      run_ = std::make_unique<CircuitRun>(*backend_, folders.front());
    }
  }
  AttributionGraph trace_with(const TraceOptions& options) {
    return trace(*backend_, run_->replacement, salient_logits(run_->replacement, run_->last()),
                 options);
  }

  std::unique_ptr<Backend> backend_ = make_cpu_backend();
  std::unique_ptr<CircuitRun> run_;
};

TEST_F(OneCircuit, AFeatureIsATarget) {
  if (!run_) {
    return;
  }
  const ActiveFeature f = run_->replacement.features().back();
  const std::vector<TraceTarget> targets = {
      feature_as_target(run_->replacement, f.layer, f.position, f.feature)};
  const AttributionGraph graph = trace(*backend_, run_->replacement, targets);
  const std::size_t feature = graph.counts.features - 1;  // the same one
  const auto rows = graph.rows.as<float>();
  float largest = 0.0F;  // other company, other rounding
  float difference = 0.0F;
  for (std::size_t c = 0; c < rows.cols; ++c) {
    const float x = rows.at(feature, c);
    largest = std::max(largest, std::abs(x));
    difference = std::max(difference, std::abs(x - rows.at(graph.counts.features, c)));
  }
  EXPECT_GT(largest, 0.0F);
  EXPECT_LE(difference, 1e-5F * largest);
  EXPECT_LT(graph.largest_residual, 1e-5);
}

TEST_F(OneCircuit, AFeatureThatDoesNotFireIsRefused) {
  if (!run_) {
    return;
  }
  const auto silent = thrown_by([&] { feature_as_target(run_->replacement, 0, 0, 3); });
  EXPECT_EQ(silent.code, ErrorCode::NotFound);
  EXPECT_THAT(silent.message, HasSubstr("does not fire at position 0"));
  const auto beyond = thrown_by([&] { feature_as_target(run_->replacement, 99, 0, 3); });
  EXPECT_EQ(beyond.code, ErrorCode::InvalidArgument);
  EXPECT_THAT(beyond.message, HasSubstr("layers are 0 to"));
}

TEST_F(OneCircuit, RowsInAFileAreTheSame) {
  if (!run_) {
    return;
  }
  for (const std::optional<double> unexpanded : {std::optional<double>(), std::optional(1e-6)}) {
    const TraceOptions options = {.batch = 2, .update_interval = 1, .unexpanded = unexpanded};
    TraceOptions in_file = options;
    in_file.rows_in_memory = 0;
    TraceOptions first_in_memory = options;  // then they outgrow it
    first_in_memory.rows_in_memory = 5 * row_columns(run_->replacement) * sizeof(float);
    const AttributionGraph want = trace_with(options);
    for (const TraceOptions& other : {in_file, first_in_memory}) {
      const AttributionGraph got = trace_with(other);
      EXPECT_EQ(got.order, want.order);
      EXPECT_EQ(testing::elements(got.rows.ref()), testing::elements(want.rows.ref()));
    }
  }
}

TEST_F(OneCircuit, IsCancelledBetweenBatches) {
  if (!run_) {
    return;
  }
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(thrown_by([&] { trace_with({.cancel = stop.get_token()}); }).code,
            ErrorCode::Cancelled);
}

}  // namespace
}  // namespace cajal
