// Loss and every gradient of the golden training cases, on every backend.
#include <gtest/gtest.h>

#include "io/json.h"
#include "io/safetensors.h"
#include "model/backward/batch_gradient.h"
#include "model/golden_model_test.h"
#include "model/parameters.h"
#include "testing/compare.h"
#include "testing/golden.h"

namespace cajal {
namespace {

namespace fs = std::filesystem;

/// The batch of a case, and what each row must predict.
struct GoldenBatch {
  explicit GoldenBatch(const Json& notes) {
    for (const Json& sequence : notes.at("tokens", "").as_array("")) {
      for (const Json& id : sequence.as_array("")) {
        tokens.push_back(static_cast<TokenId>(id.as_int("")));
        targets.push_back(-1);
      }
      const auto begin = static_cast<std::size_t>(starts.back());
      for (std::size_t i = begin; i + 1 < tokens.size(); ++i) {
        targets[i] = tokens[i + 1];
        ++predictions;
      }
      starts.push_back(static_cast<std::int32_t>(tokens.size()));
    }
  }
  Batch batch() const { return {tokens, starts}; }

  std::vector<TokenId> tokens;
  std::vector<std::int32_t> starts = {0};
  std::vector<std::int32_t> targets;
  std::size_t predictions = 0;
};

class TrainingGolden : public ::testing::TestWithParam<testing::FolderOnBackend> {
 protected:
  void SetUp() override {
    backend_ = exact() ? make_reference_backend() : make_cpu_backend();
    const fs::path& folder = GetParam().folder;
    notes_ = Json::load(folder / "expected.json");
    tensors_ = Safetensors::open(folder / "expected.safetensors");
    const fs::path weights = folder / notes_.at("model", "").as_string("");
    const auto dtype = backend_->activation_dtype();
    values_ = std::make_shared<Parameters>(load_parameters(weights, dtype));
    model_ = model_of(Model::load(weights)->config(), values_);
  }
  bool exact() const { return GetParam().backend == "ref"; }

  double tolerance(const std::string& name) const {
    const Json& note = notes_.at("tensors", "").at(name, name);
    const double max_abs = note.at("max_abs", name).as_double(name);
    return 1e-6 * max_abs + (exact() ? 0.0 : 8.0 * note.at("f32_error", name).as_double(name));
  }
  void compare(const std::string& name, ConstMatRef got) {
    const ConstMatRef want = as_matrix(tensors_->at(name));
    ASSERT_EQ(got.rows, want.rows) << name;
    ASSERT_EQ(got.cols, want.cols) << name;
    EXPECT_LE(testing::largest_error(got, want), tolerance(name)) << name;
    ++compared_;
  }

  std::unique_ptr<Backend> backend_;
  Json notes_;
  std::shared_ptr<const Safetensors> tensors_;
  std::shared_ptr<Parameters> values_;
  std::shared_ptr<const Model> model_;
  std::size_t compared_ = 0;
};

TEST_P(TrainingGolden, HasTheLossAndEveryGradient) {
  const GoldenBatch golden(notes_);
  Tape tape(*backend_);
  model_->forward(*backend_, golden.batch(), tape, {.logits = LogitRows::All});
  Matrix dlogits = make_matrix(*backend_, tape.logits().rows, tape.logits().cols);
  const double loss =
      ops::cross_entropy(*backend_, {.logits = tape.logits(),
                                     .targets = golden.targets,
                                     .weight = 1.0 / static_cast<double>(golden.predictions),
                                     .dlogits = dlogits.ref()});
  const double want = notes_.at("loss", "").as_double("");
  EXPECT_NEAR(loss, want,
              exact() ? 1e-12 * want : 8.0 * notes_.at("loss_f32_error", "").as_double(""));
  std::vector<ParameterSpec> specs(values_->specs().begin(), values_->specs().end());
  Parameters sums(std::move(specs), backend_->activation_dtype());
  const Gradients gradients(model_->config(), sums);
  PointSet points;
  for (std::size_t layer = 0; layer < model_->config().layers; ++layer) {
    const std::string name = fmt::format("grad/resid_post.{}", layer);
    if (tensors_->find(name) != nullptr) {
      points.read({PointKind::ResidPost, layer},
                  [this, name](ConstMatRef value, const PointContext&) { compare(name, value); });
    }
  }
  backward(*backend_, *model_, tape,
           {.dlogits = dlogits.ref(), .points = &points, .gradients = &gradients});
  for (std::size_t i = 0; i < sums.specs().size(); ++i) {
    compare("grad/" + sums.specs()[i].name, sums.at(i));
  }
  std::size_t stored = 0;
  for (const StoredTensor& tensor : tensors_->tensors()) {
    stored += tensor.name.starts_with("grad/") ? 1U : 0U;
  }
  EXPECT_EQ(compared_, stored) << "some golden gradients were not reached";
  if (!HasFailure()) {
    testing::count_golden_case("training", GetParam().folder);
  }
}

TEST_P(TrainingGolden, HasTheSameGradientInShards) {
  const GoldenBatch golden(notes_);
  const auto make = [&] { return exact() ? make_reference_backend() : make_cpu_backend(); };
  const std::vector<std::size_t> numbers =
      exact() ? std::vector<std::size_t>{1, 2, 3} : std::vector<std::size_t>{2};
  for (const std::size_t lanes : numbers) {
    Parameters sums({values_->specs().begin(), values_->specs().end()}, values_->dtype());
    BatchGradient batch(make, model_->config(), sums.specs(), {.shard_rows = 30, .lanes = lanes});
    const BatchLoss loss = batch.run(*model_, golden.batch(), golden.targets,
                                     1.0 / static_cast<double>(golden.predictions), sums);
    EXPECT_EQ(loss.predictions, golden.predictions);
    const double want = notes_.at("loss", "").as_double("");
    EXPECT_NEAR(loss.loss, want,
                exact() ? 1e-12 * want : 8.0 * notes_.at("loss_f32_error", "").as_double(""));
    for (std::size_t i = 0; i < sums.specs().size(); ++i) {
      compare("grad/" + sums.specs()[i].name, sums.at(i));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Training, TrainingGolden,
                         ::testing::ValuesIn(testing::on_both_backends("training")),
                         testing::name_of_case);

}  // namespace
}  // namespace cajal
