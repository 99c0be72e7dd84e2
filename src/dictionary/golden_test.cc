// Every layout of the golden set: features, reconstructions, and what must be refused.
#include "testing/golden.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dictionary/encode.h"
#include "dictionary/fold.h"
#include "dictionary/load.h"
#include "io/safetensors.h"
#include "testing/files.h"

namespace cajal {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using testing::thrown_by;

constexpr const char* kSet = "dictionaries/formats";
constexpr double kTolerance = 1e-5;  // of the golden set's README, times max(1, |value|)

/// A folder of the golden set with what its case.json says.
struct GoldenCase {
  fs::path folder;
  Json info;

  std::string text(std::string_view key) const { return info.at(key, "case.json").as_string(key); }
  std::string name() const { return folder.filename().string(); }
  /// Where its dictionary lies.
  fs::path dictionary() const {
    return (folder / info.at("files", "").as_array("").front().as_string("")).parent_path();
  }
  LoadOptions options() const {
    const bool k_elsewhere = text("family") == "qwen-scope";
    return {.k = k_elsewhere ? std::optional(info.at("l0_mean", "").as_double("")) : std::nullopt};
  }
};

std::vector<GoldenCase> cases() {
  std::vector<GoldenCase> out;
  for (const fs::path& folder : testing::golden_folders(kSet)) {
    out.push_back({folder, Json::load(folder / "case.json")});
  }
  return out;
}

GoldenCase case_named(const std::string& name) {
  for (GoldenCase& one : cases()) {
    if (one.name() == name) {
      return one;
    }
  }
  ADD_FAILURE() << name << " is not there";
  return {};
}

/// Layer `layer` of `layers` of a tensor [layers, rows, ...], as [rows, the rest].
ConstMatRef part(const StoredTensor& tensor, std::size_t layer, std::size_t layers) {
  ConstMatRef m = as_matrix(tensor);
  const std::size_t rows = tensor.shape[layers == 1 ? 0 : 1];
  const std::size_t cols = m.rows * m.cols / rows / layers;
  return {m.data + layer * rows * cols * size_of(m.dtype), rows, cols, cols, m.dtype};
}

void expect_close(ConstMatRef got, ConstMatRef want, const std::string& what) {
  ASSERT_EQ(got.rows, want.rows) << what;
  ASSERT_EQ(got.cols, want.cols) << what;
  double worst = 0.0;
  for (std::size_t r = 0; r < want.rows; ++r) {
    for (std::size_t c = 0; c < want.cols; ++c) {
      const double w = element(want, r, c);
      worst = std::max(worst, std::abs(element(got, r, c) - w) / std::max(1.0, std::abs(w)));
    }
  }
  EXPECT_LE(worst, kTolerance) << what;
}

/// The same features fire, with the same values.
void expect_features(const SparseRows& got, ConstMatRef want, const std::string& what) {
  ASSERT_EQ(got.rows(), want.rows) << what;
  ASSERT_EQ(got.cols, want.cols) << what;
  Matrix dense = Matrix::host(want.rows, want.cols, DType::F32);
  for (std::size_t r = 0; r < want.rows; ++r) {
    std::vector<std::uint32_t> active;
    for (std::size_t c = 0; c < want.cols; ++c) {
      dense.as<float>().at(r, c) = 0.0F;
      if (element(want, r, c) != 0.0) {
        active.push_back(static_cast<std::uint32_t>(c));
      }
    }
    const SparseRows::Row row = got.row(r);
    ASSERT_THAT(active, ::testing::ElementsAreArray(row.columns.begin(), row.columns.end()))
        << what << ", row " << r;
    for (std::size_t i = 0; i < row.size(); ++i) {
      dense.as<float>().at(r, row.columns[i]) = row.values[i];
    }
  }
  expect_close(std::as_const(dense).ref(), want, what + ": features");
}

/// Encodes and decodes every layer, and compares with tensors whose names end in `suffix`.
void expect_golden(Backend& backend, const Dictionary& dictionary, const Safetensors& expected,
                   const std::string& name, const std::string& suffix = "") {
  const std::size_t layers = dictionary.layers().size();
  const std::string what = fmt::format("{}{} on {}", name, suffix, backend.name());
  std::vector<SparseRows> codes;
  for (std::size_t l = 0; l < layers; ++l) {
    codes.push_back(encode(backend, dictionary, l, part(expected.at("x"), l, layers)));
    expect_features(codes.back(), part(expected.at("feature_acts" + suffix), l, layers), what);
  }
  for (std::size_t l = 0; l < layers; ++l) {
    const ConstMatRef want = part(expected.at("recon" + suffix), l, layers);
    Matrix out = make_matrix(backend, want.rows, want.cols);
    decode(backend, dictionary, l, codes, part(expected.at("x"), l, layers), out.ref());
    expect_close(std::as_const(out).ref(), want, what + ": reconstruction");
  }
}

std::vector<std::unique_ptr<Backend>> backends() {
  std::vector<std::unique_ptr<Backend>> out;
  out.push_back(make_cpu_backend());
  out.push_back(make_reference_backend());
  return out;
}

/// The same dictionary with its layers changed.
template <typename Change>
std::shared_ptr<const Dictionary> changed(const std::shared_ptr<const Dictionary>& from,
                                          const Change& change) {
  std::vector<DictionaryLayer> layers(from->layers().begin(), from->layers().end());
  for (DictionaryLayer& layer : layers) {
    change(layer);
  }
  return std::make_shared<const Dictionary>(from->info(), std::move(layers), from);
}

bool is_numeric(const GoldenCase& one) {
  const std::string kind = one.text("kind");
  return kind != "rules" && kind != "container" && kind != "reject" &&
         one.name() != "dl_autoencoder_oldpickle" && one.name() != "sl_training_run_checkpoint";
}

TEST(DictionaryFormats, EveryLayoutGivesItsFeaturesAndReconstruction) {
  std::size_t count = 0;
  for (const GoldenCase& one : cases()) {
    if (!is_numeric(one)) {
      continue;
    }
    auto dictionary = load_dictionary(one.dictionary(), one.options());
    if (one.text("family") == "llama-scope") {  // the files' numbers are without the scale
      dictionary = changed(dictionary, [](DictionaryLayer& layer) {
        layer.input_scale = 1.0;
        layer.undoes_scaling = false;
      });
    }
    const auto expected = Safetensors::open(one.folder / "expected.safetensors");
    for (const auto& backend : backends()) {
      expect_golden(*backend, *dictionary, *expected, one.name());
    }
    if (!::testing::Test::HasFailure()) {
      testing::count_golden_case("dictionaries", one.folder);
    }
    ++count;
  }
  EXPECT_GE(count, 20U);
}

TEST(DictionaryFormats, LlamaScopeIsScaledForActivationsAsTheyCome) {
  const GoldenCase one = case_named("conv_llama_scope");
  const auto dictionary = load_dictionary(one.dictionary());
  const auto expected = Safetensors::open(one.folder / "expected.safetensors");
  for (const auto& backend : backends()) {
    expect_golden(*backend, *dictionary, *expected, one.name(), "_folded");
    expect_golden(*backend, *fold_input_scale(dictionary), *expected, one.name(), "_folded");
  }
}

TEST(DictionaryFormats, WhatIsToBeRefusedIs) {
  for (const GoldenCase& one : cases()) {
    if (one.text("kind") == "reject") {
      const auto refused = thrown_by([&] { load_dictionary(one.dictionary()); });
      EXPECT_EQ(refused.code, ErrorCode::Unsupported) << one.name();
      EXPECT_THAT(refused.message, HasSubstr("scaling_factor")) << one.name();
      testing::count_golden_case("dictionaries", one.folder);
    }
  }
}

TEST(DictionaryFormats, TorchFilesFromBeforeVersion16AreNamedAsSuch) {
  for (const GoldenCase& one : cases()) {
    if (one.name() == "dl_autoencoder_oldpickle") {
      const auto refused = thrown_by([&] { load_dictionary(one.dictionary()); });
      EXPECT_EQ(refused.code, ErrorCode::Unsupported);
      EXPECT_THAT(refused.message, HasSubstr("torch before 1.6"));
      testing::count_golden_case("dictionaries", one.folder);
    }
  }
}

TEST(DictionaryFormats, ATrainingRunsFolderIsItsDictionary) {
  for (const GoldenCase& one : cases()) {
    if (one.name() == "sl_training_run_checkpoint") {
      const auto dictionary = load_dictionary(one.folder);
      EXPECT_EQ(dictionary->layers()[0].activation.kind, ActivationKind::BatchTopK);
      EXPECT_THAT(dictionary->info().notes.at(0), HasSubstr("training checkpoint"));
      testing::count_golden_case("dictionaries", one.folder);
    }
  }
}

TEST(DictionaryFormats, ThresholdsThatWereNeverEstimatedAreNoted) {
  for (const GoldenCase& one : cases()) {
    if (one.name() == "dl_batchtopk_threshold_unset") {
      EXPECT_THAT(load_dictionary(one.folder)->info().notes.at(0), HasSubstr("never estimated"));
    }
  }
}

TEST(FoldDecoderNorms, GivesActivationsOfTheOtherScaleAndTheSameReconstruction) {
  const GoldenCase before = case_named("sl_fold_0_before");
  const auto folded = fold_decoder_norms(load_dictionary(before.dictionary()));
  for (const GoldenCase& one : cases()) {
    if (one.name() == "sl_fold_1_decoder_norm") {
      const auto expected = Safetensors::open(one.folder / "expected.safetensors");
      expect_golden(*make_cpu_backend(), *folded, *expected, "sl_fold_0_before, folded");
    }
    if (one.name() == "dl_autoencoder") {
      const auto expected = Safetensors::open(one.folder / "expected.safetensors");
      expect_golden(*make_cpu_backend(), *fold_decoder_norms(load_dictionary(one.folder)),
                    *expected, one.name(), "_normalised_load");
    }
  }
}

TEST(FoldPreBias, GivesTheSameFeaturesAndReconstruction) {
  const GoldenCase one = case_named("sl_jumprelu_bdec");
  const auto folded = fold_pre_bias(load_dictionary(one.dictionary()));
  EXPECT_TRUE(folded->layers()[0].pre_bias.empty());
  expect_golden(*make_cpu_backend(), *folded,
                *Safetensors::open(one.folder / "expected.safetensors"), one.name());
}

TEST(FoldFeatureScale, GivesTheSameFeaturesAndReconstruction) {
  const GoldenCase one = case_named("sl_topk_rescale");
  const auto folded = fold_feature_scale(load_dictionary(one.dictionary()));
  EXPECT_TRUE(folded->layers()[0].feature_scale.empty());
  expect_golden(*make_cpu_backend(), *folded,
                *Safetensors::open(one.folder / "expected.safetensors"), one.name());
}

/// `features` features that read one number each, as it is.
std::shared_ptr<const Dictionary> identity(std::size_t features, ActivationFunction activation) {
  auto weights = std::make_shared<Matrix>(Matrix::host(features, features, DType::F32));
  for (std::size_t i = 0; i < features * features; ++i) {
    weights->as<float>().data[i] = i % (features + 1) == 0 ? 1.0F : 0.0F;
  }
  DictionaryLayer layer{.w_enc = {std::as_const(*weights).ref()},
                        .w_dec = std::as_const(*weights).ref(),
                        .b_enc = std::vector<float>(features),
                        .b_dec = std::vector<float>(features),
                        .activation = std::move(activation)};
  return std::make_shared<const Dictionary>(DictionaryInfo{.name = "identity"},
                                            std::vector{std::move(layer)}, weights);
}

Matrix row_of(const Json& values) {
  const Json::Array& list = values.as_array("");
  Matrix out = Matrix::host(1, list.size(), DType::F64);
  for (std::size_t i = 0; i < list.size(); ++i) {
    out.as<double>().at(0, i) = list[i].as_double("");
  }
  return out;
}

TEST(Boundary, AThresholdThatIsHitExactlyDoesNotFire) {
  const GoldenCase one = case_named("boundary");
  const auto theta = static_cast<float>(one.info.at("theta", "").as_double(""));
  const auto dictionary = identity(1, {.kind = ActivationKind::JumpRelu, .threshold = {theta}});
  for (const Json& row : one.info.at("rows", "").as_array("")) {
    const Matrix x = row_of(Json(Json::Array{row.at("h", "")}));
    const double want = row.at("jump", "").as_double("");
    for (const auto& backend : backends()) {
      const SparseRows got = encode(*backend, *dictionary, 0, x.ref());
      EXPECT_EQ(got.stored(), want == 0.0 ? 0U : 1U) << row.dump();
      EXPECT_EQ(got.stored() == 0 ? 0.0F : got.values[0], static_cast<float>(want)) << row.dump();
    }
  }
  testing::count_golden_case("dictionaries", one.folder);
}

TEST(Boundary, OfEqualValuesTheLowerFeatureFires) {
  const GoldenCase one = case_named("boundary");
  for (const Json& tie : one.info.at("topk_ties", "").as_array("")) {
    const Matrix x = row_of(tie.at("row", ""));
    const double k = tie.at("k", "").as_double("");
    const auto dictionary =
        identity(x.cols(), {.kind = ActivationKind::TopK, .k = k, .keeps_negative = true});
    const SparseRows got = encode(*make_cpu_backend(), *dictionary, 0, x.ref());
    std::vector<std::pair<double, std::uint32_t>> ranked;
    for (std::size_t i = 0; i < x.cols(); ++i) {
      ranked.emplace_back(-element(x.ref(), 0, i), static_cast<std::uint32_t>(i));
    }
    std::sort(ranked.begin(), ranked.end());
    std::vector<std::uint32_t> want;
    for (std::size_t i = 0; i < static_cast<std::size_t>(k); ++i) {
      if (ranked[i].first != 0.0) {
        want.push_back(ranked[i].second);
      }
    }
    std::sort(want.begin(), want.end());
    EXPECT_EQ(got.columns, want) << tie.dump();
  }
}

}  // namespace
}  // namespace cajal
