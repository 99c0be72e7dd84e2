// Every recipe of the golden training learner_cases, step by step, on both backends: in double
// against what the libraries computed in double, in f32 within what f32 costs them.
#include <cmath>
#include <map>

#include <gtest/gtest.h>

#include "io/json.h"
#include "io/safetensors.h"
#include "testing/golden.h"
#include "train/dictionary/learner.h"

namespace cajal {
namespace {

namespace fs = std::filesystem;

constexpr double kStored = 0x1p-24;  // expected tensors are rounded to f32 once, initial ones too
constexpr double kMachine = 2.220446049250313e-16;

struct LearnerCase {
  fs::path folder;
  bool exact;
};

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

double number(const Json& json, const std::string& name) {
  return json.at(name, name).as_double(name);
}

AuxiliaryOptions saelens_auxiliary() {
  return {.coefficient = 0.03125, .relu = false, .partial = true};
}

DictionaryRecipe saelens(const std::string& name, const Json& notes) {
  DictionaryRecipe out;
  out.schedule = {.peak = 2e-3, .steps = 6, .warmup = 3, .decay = 2};
  out.dead = {.unit = CountUnit::Steps, .window = 100};
  if (contains(name, "relu_l1")) {
    out.code = CodeKind::Relu;
    out.sparsity = {.kind = SparsityKind::L1, .coefficient = {.value = 5.0, .steps = 4}};
    out.subtracts_bias = !contains(name, "no_prebias");
    return out;
  }
  if (contains(name, "jumprelu")) {
    const Json& settings = notes.at("settings", name);
    out.code = CodeKind::JumpRelu;
    out.jump = {.bandwidth = number(settings, "jumprelu_bandwidth"),
                .to_input = contains(name, "tanh"),
                .clamped = true};
    out.sparsity.coefficient = {.value = number(settings, "l0_coefficient")};
    if (contains(name, "quadratic")) {
      out.sparsity.kind = SparsityKind::Quadratic;
      out.sparsity.target = number(settings, "target_l0");
      return out;
    }
    out.sparsity.kind = contains(name, "tanh") ? SparsityKind::Tanh : SparsityKind::Step;
    out.sparsity.coefficient.steps = static_cast<std::size_t>(number(settings, "l0_warm_up_steps"));
    if (contains(name, "tanh")) {
      out.pre_activation = {.among = Among::Dead,
                            .coefficient = number(settings, "pre_act_loss_coefficient")};
    }
    return out;
  }
  out.code = contains(name, "topk_auxk") ? CodeKind::TopK : CodeKind::BatchTopK;
  out.k = number(notes, "k");
  out.ranks_by_norm = !contains(name, "no_rescale");
  out.auxiliary = saelens_auxiliary();
  if (out.code == CodeKind::BatchTopK) {
    out.estimate = {.rate = 0.01};
  }
  if (contains(name, "matryoshka")) {
    for (const Json& width : notes.at("widths", name).as_array(name)) {
      out.error.prefixes.push_back(static_cast<std::size_t>(width.as_int(name)));
    }
    out.auxiliary.each_prefix = contains(name, "level_aux");
  }
  return out;
}

DictionaryRecipe dictionary_learning(const std::string& name, const Json& notes) {
  DictionaryRecipe out;
  out.schedule = {.peak = 2e-3, .steps = 6};
  out.decoder = {.norms = RowNorms::AfterStep,
                 .epsilon = kMachine,
                 .projects = true,
                 .projection_epsilon = 1e-6};
  if (contains(name, "jumprelu")) {
    out.code = CodeKind::JumpRelu;
    out.subtracts_bias = false;
    out.jump = {.bandwidth = number(notes, "bandwidth"), .gated_step = true};
    out.sparsity = {.kind = SparsityKind::BatchQuadratic,
                    .coefficient = {.value = 1.0, .steps = 3},
                    .target = number(notes, "target_l0")};
    out.adam.beta1 = 0.0;
    return out;
  }
  out.start = Start::GeometricMedian;
  out.code = contains(name, "dl_topk") ? CodeKind::TopK : CodeKind::BatchTopK;
  out.k = number(notes, "k");
  out.schedule.warmup = static_cast<std::size_t>(number(notes, "warmup_steps"));
  out.schedule.kind = Warmup::FromZero;
  out.schedule.decay = 2;
  out.dead = {.window = 9'999'999, .after_batch = true};
  out.auxiliary = {.coefficient = 0.03125, .scale = AuxiliaryScale::ErrorVariance};
  out.estimate = {.rate = 0.1,
                  .first_step = 2,
                  .begins_with_first = true,
                  .mean_of_tokens = out.code == CodeKind::TopK};
  if (contains(name, "matryoshka")) {
    out.error = {.prefixes = {12, 24, 48, 96}, .weights = std::vector<double>(4, 1.0 / 16.0)};
  }
  return out;
}

DictionaryRecipe sparsify(const std::string& name, const Json& notes) {
  DictionaryRecipe out;
  const bool transcoder = contains(name, "transcoder");
  out.code = contains(name, "groupmax") ? CodeKind::GroupMax : CodeKind::TopK;
  out.k = number(notes, "k");
  out.subtracts_bias = !transcoder;
  out.start = Start::MeanTarget;
  out.error.kind = ErrorKind::Fvu;
  out.auxiliary = {.coefficient = 0.03125,
                   .partial = true,
                   .scale = AuxiliaryScale::TargetVariance,
                   .reaches_encoder = false};
  if (!transcoder) {
    out.decoder = {
        .norms = RowNorms::BeforeForward, .epsilon = kMachine, .projects = true, .is_unit = true};
  }
  out.adam.clip = 0.0;
  out.schedule = {.peak = 2e-3, .steps = 6, .warmup = 3, .kind = Warmup::FromZero, .decay = 3};
  return out;
}

DecoderOptions unit_rows() {
  return {.norms = RowNorms::AfterStep, .projects = true};
}

DictionaryRecipe of_jumprelu_report(const std::string& name, const Json& notes) {
  DictionaryRecipe out;
  out.code = CodeKind::JumpRelu;
  out.schedule = {.peak = 2e-3, .steps = 6};
  if (contains(name, "anthropic") || contains(name, "clt")) {
    const bool direct = contains(name, "direct");
    out.subtracts_bias = false;
    out.jump = {.parameter = direct ? ThresholdParameter::LogDirect : ThresholdParameter::Log,
                .bandwidth = number(notes, "epsilon"),
                .to_input = true};
    out.sparsity = {
        .kind = SparsityKind::Tanh,
        .coefficient = {.value = number(notes, "lambda_s"), .steps = 6, .from_zero = false},
        .slope = number(notes, "c"),
        .of_absolute = contains(name, "anthropic")};
    out.pre_activation = {.among = Among::All, .coefficient = number(notes, "lambda_p")};
    return out;
  }
  out.jump = {
      .parameter = contains(name, "log") ? ThresholdParameter::Log : ThresholdParameter::Raw,
      .bandwidth = number(notes, "bandwidth")};
  out.sparsity = {
      .kind = contains(name, "quadratic") ? SparsityKind::Quadratic : SparsityKind::Step,
      .coefficient = {
          .value = number(notes, "sparsity_coefficient"), .steps = 3, .from_zero = false}};
  if (contains(name, "quadratic")) {
    out.sparsity.target = number(notes, "target_l0");
  } else {
    out.schedule.warmup = 4;
    out.schedule.kind = Warmup::Cosine;
  }
  out.decoder = unit_rows();
  out.adam.beta1 = 0.0;
  out.adam.clip = 0.0;
  return out;
}

DictionaryRecipe published(const std::string& name, const Json& notes) {
  if (contains(name, "jumprelu") || contains(name, "gemma") || contains(name, "clt")) {
    return of_jumprelu_report(name, notes);
  }
  DictionaryRecipe out;
  out.schedule = {.peak = 2e-3, .steps = 6};
  if (contains(name, "openai")) {
    out.k = number(notes, "k");
    out.error.scale = number(notes, "mse_scale") / 32.0;  // the mean over columns too
    out.auxiliary = {
        .coefficient = 0.03125, .scale = AuxiliaryScale::ErrorVariance, .reaches_bias = true};
    out.dead = {.unit = CountUnit::Steps, .window = 100, .after_batch = true, .fires_above = 1e-3};
    out.decoder = {.norms = RowNorms::AfterBackward, .projects = true};
    out.adam.epsilon = 6.25e-10;
    out.average_rate = 1.0 - 0.999;
  } else if (contains(name, "matryoshka")) {
    out.code = CodeKind::BatchTopK;
    out.k = number(notes, "k");
    out.error = {.prefixes = {12, 24, 48, 96}, .weights = std::vector<double>(4, 0.25)};
    out.decoder = unit_rows();
  } else {
    out.subtracts_bias = false;
    out.code = contains(name, "topk") ? CodeKind::TopK : CodeKind::Relu;
    if (out.code == CodeKind::TopK) {
      out.k = number(notes, "k");
    } else {
      out.sparsity = {.kind = SparsityKind::L1, .coefficient = {.value = 0.5, .steps = 3}};
    }
  }
  return out;
}

DictionaryRecipe recipe_of(const std::string& name, const Json& notes) {
  if (name.starts_with("sl_")) {
    return saelens(name, notes);
  }
  if (name.starts_with("dl_")) {
    return dictionary_learning(name, notes);
  }
  return name.starts_with("sp_") ? sparsify(name, notes) : published(name, notes);
}

/// (x - mean) / (deviation + 1e-5) of each row.
void layer_norm(MatrixView<double> x) {
  for (std::size_t r = 0; r < x.rows; ++r) {
    const auto n = static_cast<double>(x.cols);
    double mean = 0.0;
    for (const double value : x.row(r)) {
      mean += value / n;
    }
    double squares = 0.0;
    for (const double value : x.row(r)) {
      squares += (value - mean) * (value - mean);
    }
    const double deviation = std::sqrt(squares / (n - 1.0)) + 1e-5;
    for (double& value : x.row(r)) {
      value = (value - mean) / deviation;
    }
  }
}

class LearnerGolden : public ::testing::TestWithParam<LearnerCase> {
 protected:
  void SetUp() override {
    exact_ = GetParam().exact;
    const fs::path& folder = GetParam().folder;
    name_ = folder.filename().string();
    notes_ = Json::load(folder / "case.json");
    expected_ = Safetensors::open(folder / "expected.safetensors");
    stream_ = Safetensors::open(folder.parent_path() / "stream.safetensors");
    backend_ = exact_ ? make_reference_backend() : make_cpu_backend();
    const bool clt = contains(name_, "clt");
    shape_ = {.layers = clt ? 3U : 1U,
              .features = clt ? 32U : 96U,
              .d_in = clt ? 16U : 32U,
              .d_out = clt ? 16U : 32U,
              .skip = contains(name_, "skip")};
    recipe_ = recipe_of(name_, notes_);
    learner_ = std::make_unique<DictionaryLearner>(*backend_, shape_, recipe_, initial());
    set_counters();
  }

  Parameters initial() {
    const auto pool = Safetensors::open(GetParam().folder.parent_path() / "init.safetensors");
    Parameters out(dictionary_parameters(shape_, recipe_), backend_->activation_dtype());
    for (std::size_t i = 0; i < out.specs().size(); ++i) {
      const std::string& name = out.specs()[i].name;
      const std::string key = notes_.at("init", name_).at(name, name_).as_string(name_);
      convert(as_matrix(pool->at(key)), out.at(i));
    }
    return out;
  }

  void set_counters() {
    for (const char* key : {"tokens_since_fired0", "passes_since_fired0"}) {
      if (const StoredTensor* stored = expected_->find(key)) {
        for (std::size_t i = 0; i < shape_.features; ++i) {
          learner_->since_fired()[i] = static_cast<std::int64_t>(element(as_matrix(*stored), 0, i));
        }
      }
    }
  }

  /// Step t of a stream, layer by layer.
  std::vector<Matrix> data(const std::string& key, std::size_t t) {
    const ConstMatRef all = as_matrix(stream_->at(key));
    const std::size_t rows = all.rows / 6 / shape_.layers;
    std::vector<Matrix> out;
    for (std::size_t l = 0; l < shape_.layers; ++l) {
      Matrix exact = Matrix::host(rows, all.cols, DType::F64);
      convert(all.row_range((t * shape_.layers + l) * rows, rows), exact.ref());
      prepare(exact.as<double>());
      out.push_back(make_matrix(*backend_, rows, all.cols));
      convert(exact.ref(), out.back().ref());
    }
    return out;
  }
  void prepare(MatrixView<double> x) const {
    if (contains(name_, "openai")) {
      layer_norm(x);
    }
    if (const Json* scale = notes_.find("input_scale")) {
      for (std::size_t r = 0; r < x.rows; ++r) {
        for (double& value : x.row(r)) {
          value *= scale->as_double("input_scale");
        }
      }
    }
  }

  LearnedStep step(std::size_t t) {
    const bool clt = shape_.layers != 1;
    const std::vector<Matrix> x = data(clt ? "clt_x" : "x", t);
    const std::vector<Matrix> y = data(clt ? "clt_y" : transcodes() ? "y" : "x", t);
    const std::vector<ConstMatRef> xs = refs(x);
    const std::vector<ConstMatRef> ys = refs(y);
    const LearningBatch batch{.x = xs, .y = ys};
    if (t == 0) {
      learner_->start(batch);
      lower_dead();
    }
    return learner_->step(batch);
  }
  static std::vector<ConstMatRef> refs(const std::vector<Matrix>& matrices) {
    std::vector<ConstMatRef> out;
    for (const Matrix& matrix : matrices) {
      out.push_back(matrix.ref());
    }
    return out;
  }
  bool transcodes() const { return contains(name_, "transcoder"); }

  /// Features that are meant to be dead stay so after the start of this case sets all biases.
  void lower_dead() {
    if (name_ != "sp_skip_transcoder_topk_auxk") {
      return;
    }
    const MatRef b_enc = layer_of(learner_->values(), shape_, 0).b_enc;
    std::vector<double> biases = doubles_of(b_enc);
    for (std::size_t i = 0; i < 16; ++i) {
      biases[i * 6 + 3] -= 3.0;
    }
    store(biases, b_enc);
  }

  /// What a difference may be, of values about `size`.
  double allowed(const std::string& what, double size) const {
    const Json* replay = notes_.find("replay_max_diff");
    const double own = replay == nullptr ? 0.0 : number(*replay, what);
    const double f32 = number(notes_.at("float32_max_diff", name_), what);
    return (exact_ ? own : own + 2.0 * f32) + size * (exact_ ? 1e-9 : 1e-9 + kStored);
  }

  /// Adam's first steps divide a gradient by its size, so where that is about epsilon its rounding
  /// counts: with u = g / (|g| + epsilon), du = epsilon / (|g| + epsilon)^2 dg.
  double adam_noise(const std::string& name, std::size_t r, std::size_t c) const {
    const StoredTensor* stored = expected_->find("grad1." + name);
    if (exact_ || stored == nullptr) {
      return 0.0;
    }
    const Json& trace = notes_.at("trace", name_).as_array(name_).front();
    const double norm = number(trace, "grad_norm");
    const double clip = recipe_.adam.clip == 0.0 ? 1.0 : std::min(1.0, 1.0 / (norm + 1e-6));
    const double noise = clip * allowed("grad1", 0.0);
    const double size = std::max(0.0, clip * std::abs(element(as_matrix(*stored), r, c)) - noise);
    const double epsilon = recipe_.adam.epsilon;
    const double steepness = epsilon / ((size + epsilon) * (size + epsilon));
    return 6.0 * recipe_.schedule.peak * std::min(2.0, noise * steepness);
  }

  void compare_number(const std::string& what, const std::string& kind, double got, double want) {
    EXPECT_NEAR(got, want, allowed(kind, 1.0) * std::abs(want) + 1e-12) << what;
  }

  void compare(const Parameters& got, const std::string& part) {
    for (std::size_t i = 0; i < got.specs().size(); ++i) {
      const StoredTensor* stored = expected_->find(part + "." + got.specs()[i].name);
      if (stored == nullptr) {
        EXPECT_TRUE(notes_.find("only_vectors_stored") != nullptr) << got.specs()[i].name;
        continue;
      }
      const ConstMatRef want = as_matrix(*stored);
      double worst = 0.0;
      for (std::size_t r = 0; r < want.rows; ++r) {
        for (std::size_t c = 0; c < want.cols; ++c) {
          const double y = element(want, r, c);
          const double error = std::abs(element(got.at(i), r, c) - y);
          const double most = allowed(part, std::abs(y)) + 2.0 * kStored * std::abs(y) +
                              (part == "grad1" ? 0.0 : adam_noise(got.specs()[i].name, r, c));
          worst = std::max(worst, error - most);
        }
      }
      EXPECT_LE(worst, 0.0) << part << "." << got.specs()[i].name;
    }
  }

  void compare(const LearnedStep& got, const Json& want) {
    compare_number("loss", "loss_relative", got.loss, number(want, "loss"));
    compare_number("norm", "grad_norm_relative", got.gradient_norm, number(want, "grad_norm"));
    EXPECT_NEAR(got.learning_rate, number(want, "lr"), 1e-15);
    for (const char* key : {"l0", "l0_total"}) {
      if (want.find(key) != nullptr && !contains(name_, "dl_")) {
        EXPECT_NEAR(got.l0, number(want, key), 1e-9);
      }
    }
    if (want.find("n_dead") != nullptr) {
      EXPECT_EQ(got.dead, static_cast<std::size_t>(number(want, "n_dead")));
    }
    compare_terms(got, want.at("terms", name_));
    compare_estimate(want);
    compare_norms(want.at("param_norms", name_));
  }

  void compare_terms(const LearnedStep& got, const Json& terms) {
    double auxiliary = 0.0;
    double sparsity = 0.0;
    double pre_activation = 0.0;
    double errors = 0.0;
    for (const auto& [key, value] : terms.as_object(name_)) {
      double& sum =
          contains(key, "aux")       ? auxiliary
          : contains(key, "pre_act") ? pre_activation
          : contains(key, "l0") || contains(key, "l1") || contains(key, "tanh") || key == "sparsity"
              ? sparsity
              : errors;
      sum += value.as_double(key);
    }
    double error = 0.0;
    for (const double one : got.errors) {
      error += one;
    }
    const double size = std::abs(errors) + auxiliary + sparsity + pre_activation;
    const double most = allowed("loss_relative", 1.0) * size + 1e-12;
    EXPECT_NEAR(error, errors, most) << "error";
    EXPECT_NEAR(got.auxiliary, auxiliary, most) << "auxiliary";
    EXPECT_NEAR(got.sparsity, sparsity, most) << "sparsity";
    EXPECT_NEAR(got.pre_activation, pre_activation, most) << "pre-activations";
  }

  void compare_estimate(const Json& want) {
    for (const char* key : {"threshold_after", "topk_threshold_after"}) {
      if (const Json* value = want.find(key)) {
        const double wanted = value->as_double(key);
        EXPECT_NEAR(learner_->estimate().value_or(-1.0), wanted, 1e-6 * std::abs(wanted)) << key;
      }
    }
  }

  void compare_norms(const Json& want) {
    const Parameters& values = std::as_const(*learner_).values();
    for (std::size_t i = 0; i < values.specs().size(); ++i) {
      const std::string& name = values.specs()[i].name;
      const double wanted = number(want, name);
      const double norm = std::sqrt(ops::sum_of_squares(*backend_, values.at(i)));
      const auto count = static_cast<double>(values.at(i).rows * values.at(i).cols);
      EXPECT_NEAR(norm, wanted, allowed("step6", wanted) * std::sqrt(count)) << name;
    }
  }

  /// The moving average of the weights, corrected for its begin.
  void compare_average() {
    const double correction = 1.0 - std::pow(0.999, 6.0);
    const Parameters& average = *learner_->average();
    for (std::size_t i = 0; i < average.specs().size(); ++i) {
      const ConstMatRef want = as_matrix(expected_->at("ema6." + average.specs()[i].name));
      for (std::size_t r = 0; r < want.rows; ++r) {
        for (std::size_t c = 0; c < want.cols; ++c) {
          const double y = element(want, r, c);
          ASSERT_NEAR(element(average.at(i), r, c) / correction, y,
                      allowed("step6", std::abs(y)) + 2.0 * kStored * std::abs(y));
        }
      }
    }
  }

  bool exact_ = false;
  std::string name_;
  Json notes_;
  std::shared_ptr<const Safetensors> expected_;
  std::shared_ptr<const Safetensors> stream_;
  std::unique_ptr<Backend> backend_;
  DictionaryShape shape_;
  DictionaryRecipe recipe_;
  std::unique_ptr<DictionaryLearner> learner_;
};

TEST_P(LearnerGolden, MakesTheSixSteps) {
  const auto& trace = notes_.at("trace", name_).as_array(name_);
  ASSERT_EQ(trace.size(), 6U);
  for (std::size_t t = 0; t < 6; ++t) {
    SCOPED_TRACE(fmt::format("step {}", t + 1));
    const LearnedStep got = step(t);
    ASSERT_TRUE(got.finite);
    compare(got, trace[t]);
    if (t == 0) {
      compare(learner_->gradients(), "grad1");
    }
    if (t == 0 || t == 5) {
      compare(std::as_const(*learner_).values(), fmt::format("step{}", t + 1));
    }
  }
  if (learner_->average() != nullptr) {
    compare_average();
  }
  testing::count_golden_case("dictionaries/training", GetParam().folder);
}

std::vector<LearnerCase> learner_cases() {
  std::vector<LearnerCase> out;
  for (const fs::path& folder : testing::golden_folders("dictionaries/training")) {
    if (!contains(folder.filename().string(), "gated") && fs::exists(folder / "case.json")) {
      out.push_back({folder, true});
      out.push_back({folder, false});
    }
  }
  return out;
}

INSTANTIATE_TEST_SUITE_P(All, LearnerGolden, ::testing::ValuesIn(learner_cases()),
                         [](const auto& one) {
                           return one.param.folder.filename().string() +
                                  (one.param.exact ? "_ref" : "_cpu");
                         });
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(LearnerGolden);

}  // namespace
}  // namespace cajal
