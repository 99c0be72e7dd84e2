// The five optimiser steps of the golden training trainer_cases, on every backend.
#include <cmath>

#include <gtest/gtest.h>

#include "io/json.h"
#include "io/safetensors.h"
#include "testing/golden.h"
#include "train/trainer.h"

namespace cajal {
namespace {

namespace fs = std::filesystem;

struct TrainerCase {
  fs::path folder;
  bool exact;
};

PackedBatch batch_of(const Json& notes) {
  TokenizedTexts texts(Framing{0, 0, 1000});
  std::size_t tokens = 0;
  for (const Json& sequence : notes.at("tokens", "").as_array("")) {
    std::vector<TokenId> ids;
    for (const Json& id : sequence.as_array("")) {
      ids.push_back(static_cast<TokenId>(id.as_int("")));
    }
    tokens += ids.size();
    texts.add_document(ids);
  }
  std::uint64_t next = 0;
  return pack(texts, next, {.tokens = tokens});
}

/// The middle third of GPT-2's c_attn.bias: its true gradient is 0, which Adam turns into noise.
bool is_key_bias(std::string_view name, std::size_t column, std::size_t columns) {
  return name.ends_with("c_attn.bias") && column >= columns / 3 && column < 2 * columns / 3;
}

class TrainerGolden : public ::testing::TestWithParam<TrainerCase> {
 protected:
  void SetUp() override {
    exact_ = GetParam().exact;
    const MakeBackend make = exact_ ? make_reference_backend : make_cpu_backend;
    notes_ = Json::load(GetParam().folder / "expected.json");
    tensors_ = Safetensors::open(GetParam().folder / "expected.safetensors");
    const fs::path weights = GetParam().folder / notes_.at("model", "").as_string("");
    trainer_ = std::make_unique<Trainer>(
        make, Model::load(weights)->config(), load_parameters(weights, make()->activation_dtype()),
        TrainerOptions{.schedule = {.peak = 1e-3, .warmup = 3, .decay = Decay::None}});
  }

  double number(const Json& json, const std::string& name) const {
    return json.at(name, name).as_double(name);
  }
  void expect(const Json& json, const std::string& name, double got) const {
    const double want = number(json, name);
    EXPECT_NEAR(got, want, exact_ ? 1e-6 * want : 8.0 * number(json, name + "_f32_error")) << name;
  }

  void compare(const ParameterSpec& spec, ConstMatRef got) {
    const ConstMatRef want = as_matrix(tensors_->at("param/" + spec.name));
    ASSERT_EQ(got.rows, want.rows);
    ASSERT_EQ(got.cols, want.cols);
    double most = 0.0;
    double squares = 0.0;
    double size = 0.0;
    for (std::size_t r = 0; r < want.rows; ++r) {
      for (std::size_t c = 0; c < want.cols; ++c) {
        if (!exact_ && is_key_bias(spec.name, c, want.cols)) {
          continue;
        }
        const double error = std::abs(element(got, r, c) - element(want, r, c));
        most = std::max(most, error);
        squares += error * error;
        size = std::max(size, std::abs(element(want, r, c)));
      }
    }
    const Json& allowed = notes_.at("param_tolerance", "");
    EXPECT_LE(most, exact_ ? 1e-6 * size : number(allowed, "max")) << spec.name;
    const double rms = std::sqrt(squares / static_cast<double>(want.rows * want.cols));
    EXPECT_LE(rms, exact_ ? 1e-6 * size : number(allowed, "rms")) << spec.name;
  }

  bool exact_ = false;
  Json notes_;
  std::shared_ptr<const Safetensors> tensors_;
  std::unique_ptr<Trainer> trainer_;
};

TEST_P(TrainerGolden, MakesTheFiveSteps) {
  const PackedBatch batch = batch_of(notes_);
  for (const Json& want : notes_.at("steps", "").as_array("")) {
    const StepResult got = trainer_->step(std::span(&batch, 1));
    ASSERT_TRUE(got.finite);
    EXPECT_DOUBLE_EQ(got.learning_rate, number(want, "lr"));
    expect(want, "loss", got.loss);
    expect(want, "grad_norm", got.gradient_norm);
  }
  const double predictions = static_cast<double>(batch.predictions);
  expect(notes_, "loss_after_last_step", trainer_->nll(batch) / predictions);
  for (std::size_t i = 0; i < trainer_->values().specs().size(); ++i) {
    compare(trainer_->values().specs()[i], std::as_const(*trainer_).values().at(i));
  }
  testing::count_golden_case("training", GetParam().folder);
}

std::vector<TrainerCase> trainer_cases() {
  std::vector<TrainerCase> out;
  for (const fs::path& folder : testing::golden_folders("training")) {
    out.push_back({folder, true});
    out.push_back({folder, false});
  }
  return out;
}

INSTANTIATE_TEST_SUITE_P(All, TrainerGolden, ::testing::ValuesIn(trainer_cases()),
                         [](const auto& one) {
                           return one.param.folder.filename().string() +
                                  (one.param.exact ? "_ref" : "_cpu");
                         });

}  // namespace
}  // namespace cajal
