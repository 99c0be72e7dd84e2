#include "dictionary/save.h"

#include <cerrno>
#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dictionary/calibrate.h"
#include "dictionary/encode.h"
#include "dictionary/fold.h"
#include "dictionary/load.h"
#include "io/safetensors.h"
#include "testing/compare.h"
#include "testing/files.h"
#include "testing/golden.h"

namespace cajal {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using testing::TemporaryFolder;
using testing::thrown_by;

struct SavedCase {
  std::string name;
  std::shared_ptr<const Dictionary> dictionary;
  std::shared_ptr<const Safetensors> expected;

  /// [tokens, d_in] of a layer.
  ConstMatRef input(std::size_t layer) const {
    const std::size_t layers = dictionary->layers().size();
    const std::size_t width = dictionary->layers()[layer].d_in();
    ConstMatRef x = as_matrix(expected->at("x"));
    const std::size_t rows = x.rows * x.cols / width / layers;
    return {x.data + layer * rows * width * sizeof(float), rows, width, width};
  }
};

/// Of the golden set, what is a folder and has numbers.
std::vector<SavedCase> saved_cases() {
  std::vector<SavedCase> out;
  for (const fs::path& folder : testing::golden_folders("dictionaries/formats")) {
    const std::string name = folder.filename().string();
    const bool flat = name.starts_with("ct_") || name.starts_with("sl_");
    if (flat && fs::exists(folder / "expected.safetensors") &&
        name != "sl_training_run_checkpoint") {
      out.push_back(
          {name, load_dictionary(folder), Safetensors::open(folder / "expected.safetensors")});
    }
  }
  return out;
}

SavedCase saved_case(const std::string& name) {
  for (SavedCase& one : saved_cases()) {
    if (one.name == name) {
      return one;
    }
  }
  ADD_FAILURE() << name << " is not there";
  return {};
}

/// Both fire alike and give the same, but for the rounding of what was folded.
void expect_same(const SavedCase& one, const Dictionary& got) {
  const Dictionary& want = *one.dictionary;
  ASSERT_EQ(got.layers().size(), want.layers().size()) << one.name;
  const auto backend = make_cpu_backend();
  std::vector<SparseRows> got_codes;
  std::vector<SparseRows> want_codes;
  for (std::size_t l = 0; l < want.layers().size(); ++l) {
    EXPECT_EQ(got.layers()[l].layer, want.layers()[l].layer) << one.name;
    got_codes.push_back(encode(*backend, got, l, one.input(l)));
    want_codes.push_back(encode(*backend, want, l, one.input(l)));
    ASSERT_EQ(got_codes[l].columns, want_codes[l].columns) << one.name;
    for (std::size_t i = 0; i < got_codes[l].values.size(); ++i) {
      const float value = want_codes[l].values[i];
      ASSERT_NEAR(got_codes[l].values[i], value, 1e-5 * std::max(1.0F, std::abs(value)))
          << one.name;
    }
  }
  for (std::size_t l = 0; l < want.layers().size(); ++l) {
    const std::size_t rows = want_codes[l].rows();
    Matrix a = make_matrix(*backend, rows, want.layers()[l].d_out());
    Matrix b = make_matrix(*backend, rows, want.layers()[l].d_out());
    decode(*backend, got, l, got_codes, one.input(l), a.ref());
    decode(*backend, want, l, want_codes, one.input(l), b.ref());
    EXPECT_LE(testing::largest_error(a.ref(), b.ref()), 1e-4) << one.name;
  }
}

bool is_top_k(const Dictionary& dictionary) {
  const ActivationKind kind = dictionary.layers()[0].activation.kind;
  return kind == ActivationKind::TopK || kind == ActivationKind::BatchTopK;
}

TEST(SaveCircuitTracer, WhatIsReadBackGivesTheSame) {
  std::size_t count = 0;
  for (const SavedCase& one : saved_cases()) {
    const DictionaryLayer& layer = one.dictionary->layers()[0];
    if (one.dictionary->kind() == DictionaryKind::Sae || is_top_k(*one.dictionary) ||
        layer.d_in() != layer.d_out() || layer.scaling != InputScaling::None) {
      continue;
    }
    const TemporaryFolder folder;
    const auto files = save_circuit_tracer(one.dictionary, folder / "out");
    EXPECT_TRUE(fs::exists(files.front()));
    const auto back = load_dictionary(folder / "out");
    EXPECT_EQ(back->info().format, "circuit-tracer");
    EXPECT_EQ(back->dtype(), one.dictionary->dtype()) << one.name;
    EXPECT_EQ(back->layers()[0].input_point, one.dictionary->layers()[0].input_point);
    expect_same(one, *back);
    EXPECT_EQ(folder.listing(), "out");
    ++count;
  }
  EXPECT_GE(count, 3U);
}

TEST(SaveSaeLens, WhatIsReadBackGivesTheSame) {
  std::size_t count = 0;
  for (const SavedCase& one : saved_cases()) {
    const ActivationFunction& f = one.dictionary->layers()[0].activation;
    if (one.dictionary->kind() == DictionaryKind::CrossLayer || f.keeps_negative ||
        f.kind == ActivationKind::BatchTopK || f.kind == ActivationKind::Gated) {
      continue;
    }
    const TemporaryFolder folder;
    save_saelens(one.dictionary, folder / "out");
    const auto back = load_dictionary(folder / "out");
    EXPECT_EQ(back->info().format, "saelens");
    expect_same(one, *back);
    ++count;
  }
  EXPECT_GE(count, 6U);
}

TEST(SaveCircuitTracer, TopKNeedsAThreshold) {
  const SavedCase one = saved_case("ct_plt_topk_negative");
  const TemporaryFolder folder;
  const auto refused = thrown_by([&] { save_circuit_tracer(one.dictionary, folder / "out"); });
  EXPECT_THAT(refused.message, HasSubstr("topk without a threshold"));
  EXPECT_EQ(folder.listing(), "");
  const std::vector<float> thresholds = {0.25F};
  save_circuit_tracer(as_jump_relu(one.dictionary, thresholds), folder / "out");
  const auto back = load_dictionary(folder / "out");
  EXPECT_EQ(back->layers()[0].activation.kind, ActivationKind::JumpRelu);
  EXPECT_EQ(back->layers()[0].activation.threshold[7], 0.25F);
}

TEST(SaveCircuitTracer, RefusesAnSae) {
  const TemporaryFolder folder;
  const SavedCase one = saved_case("sl_jumprelu_bdec");
  EXPECT_THAT(thrown_by([&] { save_circuit_tracer(one.dictionary, folder / "out"); }).message,
              HasSubstr("this is an SAE"));
}

TEST(SaveSaeLens, RefusesACrossLayerTranscoder) {
  const TemporaryFolder folder;
  const SavedCase one = saved_case("ct_clt_jumprelu");
  EXPECT_THAT(thrown_by([&] { save_saelens(one.dictionary, folder / "out"); }).message,
              HasSubstr("no cross-layer transcoders"));
}

TEST(SaveSaeLens, RefusesAFolderThatIsThereUnlessForced) {
  const TemporaryFolder folder;
  const SavedCase one = saved_case("sl_jumprelu_bdec");
  save_saelens(one.dictionary, folder / "out");
  EXPECT_THAT(thrown_by([&] { save_saelens(one.dictionary, folder / "out"); }).message,
              HasSubstr("--force"));
  save_saelens(one.dictionary, folder / "out", {.force = true});
  expect_same(one, *load_dictionary(folder / "out"));
}

/// One transcoder at each of these layers of a model.
std::shared_ptr<const Dictionary> at_layers(const SavedCase& one,
                                            std::initializer_list<std::size_t> numbers) {
  std::vector<DictionaryLayer> layers;
  for (const std::size_t number : numbers) {
    layers.push_back(one.dictionary->layers()[0]);
    layers.back().layer = number;
  }
  return std::make_shared<const Dictionary>(one.dictionary->info(), std::move(layers),
                                            one.dictionary);
}

TEST(SaveCircuitTracer, LayersWithAGapAreReadBack) {
  const TemporaryFolder folder;
  save_circuit_tracer(at_layers(saved_case("ct_plt_relu_skip"), {0, 2}), folder / "out");
  const auto back = load_dictionary(folder / "out");
  ASSERT_EQ(back->layers().size(), 2U);
  EXPECT_EQ(back->layers()[1].layer, 2U);
  EXPECT_EQ(load_dictionary(folder / "out/layer_2.safetensors")->layers().size(), 1U);
}

TEST(SaveCircuitTracer, AMissingLastLayerIsNoticed) {
  const TemporaryFolder folder;
  save_circuit_tracer(at_layers(saved_case("ct_plt_relu_bf16"), {0, 1, 2}), folder / "out");
  fs::remove(folder / "out/layer_2.safetensors");
  EXPECT_THAT(thrown_by([&] { load_dictionary(folder / "out"); }).message,
              HasSubstr("layer_2.safetensors is missing"));
}

TEST(SaveCircuitTracer, ForcedItReplacesTheDictionaryThatWasThere) {
  const TemporaryFolder folder;
  save_circuit_tracer(at_layers(saved_case("ct_plt_relu_bf16"), {0, 1, 2}), folder / "out");
  write_file(folder / "out/readme.safetensors", "not a shard");
  const SavedCase one = saved_case("ct_plt_relu_skip");
  save_circuit_tracer(one.dictionary, folder / "out", {.force = true});
  expect_same(one, *load_dictionary(folder / "out"));
  EXPECT_TRUE(fs::exists(folder / "out/readme.safetensors"));
  const SavedCase sae = saved_case("sl_jumprelu_bdec");
  save_saelens(sae.dictionary, folder / "out", {.force = true});
  expect_same(sae, *load_dictionary(folder / "out"));
}

TEST(SaveCircuitTracer, ForcedOntoAFullDiskItLeavesWhatWasThere) {
  const TemporaryFolder folder;
  const SavedCase one = saved_case("ct_plt_relu_bf16");
  save_circuit_tracer(one.dictionary, folder / "out");
  const std::size_t layer = fs::file_size(folder / "out/layer_0.safetensors");
  const auto relu = saved_case("ct_plt_relu_skip").dictionary;
  {
    testing::FailingDisk disk(layer / 2, ENOSPC);
    const FileSystemGuard guard(disk);
    EXPECT_EQ(thrown_by([&] { save_circuit_tracer(relu, folder / "out", {.force = true}); }).code,
              ErrorCode::ResourceExhausted);
  }
  EXPECT_EQ(std::distance(fs::directory_iterator(folder / "out"), fs::directory_iterator()), 2);
  expect_same(one, *load_dictionary(folder / "out"));
}

TEST(SaveSaeLens, TakesAFolderWithASlashAtItsEnd) {
  const TemporaryFolder folder;
  const SavedCase one = saved_case("sl_jumprelu_bdec");
  save_saelens(one.dictionary, folder / "out/");
  expect_same(one, *load_dictionary(folder / "out"));
}

TEST(SaveSaeLens, AFullDiskLeavesNothing) {
  const TemporaryFolder folder;
  const SavedCase one = saved_case("sl_jumprelu_bdec");
  testing::FailingDisk disk(1000, ENOSPC);
  const FileSystemGuard guard(disk);
  EXPECT_EQ(thrown_by([&] { save_saelens(one.dictionary, folder / "out"); }).code,
            ErrorCode::ResourceExhausted);
  EXPECT_EQ(folder.listing(), "");
}

TEST(ThresholdFor, LetsAsManyFeaturesFireAsWereAskedFor) {
  const SavedCase one = saved_case("sl_topk_rescale");
  const auto backend = make_cpu_backend();
  for (const double l0 : {1.0, 3.5, 9.0}) {
    const std::vector<float> thresholds = {
        threshold_for(*backend, *one.dictionary, 0, one.input(0), l0)};
    const auto jump = as_jump_relu(one.dictionary, thresholds);
    const SparseRows fired = encode(*backend, *jump, 0, one.input(0));
    EXPECT_EQ(static_cast<double>(fired.stored()),
              std::floor(l0 * static_cast<double>(fired.rows())));
  }
}

TEST(ThresholdFor, IsZeroWhereFewerArePositive) {
  const SavedCase one = saved_case("sl_topk_rescale");
  EXPECT_EQ(threshold_for(*make_cpu_backend(), *one.dictionary, 0, one.input(0), 96), 0.0F);
}

}  // namespace
}  // namespace cajal
