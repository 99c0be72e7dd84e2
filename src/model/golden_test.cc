// Every golden model, every spelling of its configuration, on every backend: logits, points, greedy
// text and likelihood are those of the reference.
#include "testing/golden.h"

#include <map>

#include <gtest/gtest.h>

#include "io/json.h"
#include "io/safetensors.h"
#include "model/golden_model_test.h"
#include "model/model.h"
#include "model/nll.h"
#include "model/sampling.h"
#include "testing/compare.h"

namespace cajal {
namespace {

using testing::is_pattern;

namespace fs = std::filesystem;

/// A golden folder with what it says.
struct Golden {
  explicit Golden(const fs::path& where)
      : folder(where),
        notes(Json::load(where / "expected.json")),
        tensors(Safetensors::open(where / "expected.safetensors")) {}

  std::vector<TokenId> tokens(std::string_view sequence) const {
    std::vector<TokenId> out;
    for (const Json& id : notes.at("tokens", "").at(sequence, "").as_array("")) {
      out.push_back(static_cast<TokenId>(id.as_int("")));
    }
    return out;
  }

  fs::path folder;
  Json notes;
  std::shared_ptr<const Safetensors> tensors;
};

/// Where a point's values are compared with golden ones, element by element.
class Comparison {
 public:
  Comparison(const Golden& golden, bool exact) : golden_(golden), exact_(exact) {}

  /// Rows [begin, begin + value.rows) of the golden tensor; nothing if it is not stored.
  void check(const std::string& name, ConstMatRef value, std::size_t begin = 0) {
    const StoredTensor* tensor = golden_.tensors->find(name);
    if (tensor == nullptr) {
      return;
    }
    const ConstMatRef want = as_matrix(*tensor);
    ASSERT_EQ(want.cols, value.cols) << name;
    ASSERT_LE(begin + value.rows, want.rows) << name;
    const double worst = testing::largest_error(value, want.row_range(begin, value.rows));
    EXPECT_LE(worst, tolerance(name)) << golden_.folder.filename() << " " << name;
    ++compared_;
  }
  std::size_t compared() const { return compared_; }

 private:
  /// From the README: 8 * f32_error + 1e-6 * max_abs in float32; in double 1e-6 * max_abs alone,
  /// which is what stored float32 allows, and 1e-12 for logits, which are stored in double.
  double tolerance(const std::string& name) const {
    const Json& note = golden_.notes.at("tensors", "").at(name, name);
    const double max_abs = note.at("max_abs", name).as_double(name);
    if (!exact_) {
      return 8.0 * note.at("f32_error", name).as_double(name) + 1e-6 * max_abs;
    }
    return name.ends_with("/logits") ? 1e-12 * std::max(max_abs, 1.0) : 1e-6 * max_abs;
  }

  const Golden& golden_;
  bool exact_;
  std::size_t compared_ = 0;
};

std::vector<TokenId> run_greedy(Backend& backend, const Model& model, std::vector<TokenId> tokens,
                                std::size_t count) {
  KvCache cache(model.config(), backend, 1);
  std::vector<TokenId> out;
  for (std::size_t i = 0; i < count; ++i) {
    const std::int32_t starts[] = {0, static_cast<std::int32_t>(tokens.size())};
    const Matrix logits = model.forward(backend, {tokens, starts}, cache);
    tokens = {sample_token(logits.ref(), {}, {}, 0, i)};
    out.push_back(tokens[0]);
  }
  return out;
}

/// Whether a chunk that ends with token `end` gives what all `tokens` at once give. LongRope
/// rotates otherwise while a sequence fits the original context.
bool is_as_in_one_pass(const ModelConfig& config, std::size_t end, std::size_t tokens) {
  return std::all_of(config.ropes.begin(), config.ropes.end(), [&](const RopeConfig& rope) {
    const auto is_long = [&](std::size_t n) {
      return static_cast<double>(n) > rope.original_context;
    };
    return rope.scaling != RopeScaling::LongRope || is_long(end) == is_long(tokens);
  });
}

class GoldenModel : public ::testing::TestWithParam<testing::FolderOnBackend> {
 protected:
  void SetUp() override {
    backend_ = GetParam().backend == "ref" ? make_reference_backend() : make_cpu_backend();
    ASSERT_NE(backend_, nullptr);
  }
  bool exact() const { return GetParam().backend == "ref"; }
  std::shared_ptr<const Model> model() const { return Model::load(GetParam().folder); }

  /// Compares all points while `tokens` go through the model in chunks of `chunk`.
  void run(const Model& model, std::span<const TokenId> tokens, std::size_t chunk,
           const std::string& sequence, Comparison& compare) {
    KvCache cache(model.config(), *backend_, 1);
    for (std::size_t begin = 0; begin < tokens.size(); begin += chunk) {
      const std::size_t count = std::min(chunk, tokens.size() - begin);
      PointSet points;
      if (is_as_in_one_pass(model.config(), begin + count, tokens.size())) {
        for (const Point point : points_of(model.config())) {
          // A pattern has a row for each head and query: comparable when all queries are there.
          if (count == tokens.size() || !is_pattern(point.kind)) {
            points.read(point, [&, begin](ConstMatRef value, const PointContext& context) {
              compare.check(sequence + "/" + name_of(context.point), value, begin);
            });
          }
        }
      }
      const std::int32_t starts[] = {0, static_cast<std::int32_t>(count)};
      model.forward(*backend_, {tokens.subspan(begin, count), starts}, cache,
                    {.logits = LogitRows::All, .points = &points});
    }
  }

  std::unique_ptr<Backend> backend_;
};

TEST_P(GoldenModel, GivesEveryPointWithEverySpellingOfItsConfiguration) {
  const Golden golden(GetParam().folder);
  std::size_t stored = 0;
  for (const StoredTensor& tensor : golden.tensors->tensors()) {
    stored += tensor.name.find('/') != std::string::npos ? 1U : 0U;
  }
  for (const char* spelling : {"config.json", "config.sparse.json", "config.v4.json"}) {
    if (!fs::exists(golden.folder / spelling)) {
      continue;
    }
    const auto model = Model::load(golden.folder, golden.folder / spelling);
    Comparison compare(golden, exact());
    for (const char* sequence : {"A", "B", "C"}) {
      run(*model, golden.tokens(sequence), 1000, sequence, compare);
    }
    EXPECT_EQ(compare.compared(), stored) << spelling << ": some golden tensors were not reached";
  }
  if (!HasFailure()) {
    testing::count_golden_case("models", GetParam().folder);
  }
}

TEST_P(GoldenModel, WritesTheSameGreedyTextAndLikelihood) {
  const Golden golden(GetParam().folder);
  const auto model = this->model();
  std::vector<TokenId> want;
  for (const Json& id : golden.notes.at("greedy_B", "").at("new_tokens", "").as_array("")) {
    want.push_back(static_cast<TokenId>(id.as_int("")));
  }
  EXPECT_EQ(run_greedy(*backend_, *model, golden.tokens("B"), want.size()), want);
  const double nll = mean(token_nll(*backend_, *model, golden.tokens("C"), Precision::F32));
  const double want_nll = golden.notes.at("mean_nll_C", "").as_double("");
  // A logit off by e moves a log-probability by at most 2 e.
  const Json& note = golden.notes.at("tensors", "").at("C/logits", "");
  const double f32 =
      16.0 * note.at("f32_error", "").as_double("") + 2e-6 * note.at("max_abs", "").as_double("");
  EXPECT_NEAR(nll, want_nll, exact() ? 1e-11 : f32);
}

TEST_P(GoldenModel, GivesTheSameInChunksOfAnySize) {
  const Golden golden(GetParam().folder);
  const auto model = this->model();
  const std::vector<TokenId> tokens = golden.tokens("C");
  std::size_t stored = 0;
  for (const Point point : points_of(model->config())) {
    const bool known = golden.tensors->find("C/" + name_of(point)) != nullptr;
    stored += known && !is_pattern(point.kind) ? 1U : 0U;
  }
  for (const std::size_t chunk : std::vector<std::size_t>{1, 3, 16, 39}) {
    Comparison compare(golden, exact());
    run(*model, tokens, chunk, "C", compare);
    std::size_t chunks = 0;
    for (std::size_t begin = 0; begin < tokens.size(); begin += chunk) {
      const std::size_t end = std::min(begin + chunk, tokens.size());
      chunks += is_as_in_one_pass(model->config(), end, tokens.size()) ? 1U : 0U;
    }
    EXPECT_EQ(compare.compared(), chunks * stored) << chunk;
  }
}

TEST_P(GoldenModel, KeepsSequencesOfOneBatchApart) {
  const Golden golden(GetParam().folder);
  const auto model = this->model();
  std::vector<TokenId> all;
  std::vector<std::int32_t> starts = {0};
  for (const char* sequence : {"C", "A", "B"}) {
    const auto tokens = golden.tokens(sequence);
    all.insert(all.end(), tokens.begin(), tokens.end());
    starts.push_back(static_cast<std::int32_t>(all.size()));
  }
  KvCache cache(model->config(), *backend_, 3);
  const Matrix logits = model->forward(*backend_, {all, starts}, cache, {.logits = LogitRows::All});
  Comparison compare(golden, exact());
  std::size_t i = 0;
  for (const char* sequence : {"C", "A", "B"}) {
    const auto begin = static_cast<std::size_t>(starts[i]);
    const auto count = static_cast<std::size_t>(starts[i + 1]) - begin;
    compare.check(std::string(sequence) + "/logits", logits.ref().row_range(begin, count));
    ++i;
  }
  EXPECT_EQ(compare.compared(), 3U);
}

INSTANTIATE_TEST_SUITE_P(Models, GoldenModel,
                         ::testing::ValuesIn(testing::on_both_backends("models")),
                         testing::name_of_case);

}  // namespace
}  // namespace cajal
