// Dictionaries that are broken or not what they seem: one sentence each.
#include <cmath>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dictionary/encode.h"
#include "dictionary/fold.h"
#include "dictionary/load.h"
#include "io/safetensors_writer.h"
#include "testing/files.h"
#include "testing/golden.h"

namespace cajal {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using testing::TemporaryFolder;
using testing::thrown_by;

/// A copy of a golden folder that may be broken.
class Copy {
 public:
  explicit Copy(const std::string& name) {
    fs::copy(testing::golden_core("dictionaries/formats") / name, path(),
             fs::copy_options::recursive);
    fs::remove(path() / "expected.safetensors");
  }
  fs::path path() const { return folder_ / "dictionary"; }
  void cut(const fs::path& name, std::size_t size) const { fs::resize_file(path() / name, size); }
  void remove(const fs::path& name) const { fs::remove(path() / name); }
  void write(const fs::path& name, std::string_view text) const {
    std::ofstream(path() / name) << text;
  }
  testing::Thrown refused() const {
    return thrown_by([&] { load_dictionary(path()); });
  }

 private:
  TemporaryFolder folder_;
};

TEST(DamagedDictionary, AMissingShardIsNamed) {
  const Copy clt("ct_clt_jumprelu");
  clt.remove("W_dec_1.safetensors");
  EXPECT_EQ(clt.refused().code, ErrorCode::CorruptData);
  EXPECT_THAT(clt.refused().message, HasSubstr("W_dec_1.safetensors is missing"));
}

TEST(DamagedDictionary, AMissingLastLayerIsFoundByWhatTheFirstWrites) {
  const Copy clt("ct_clt_jumprelu");
  clt.remove("W_dec_2.safetensors");
  clt.remove("W_enc_2.safetensors");
  EXPECT_THAT(clt.refused().message, HasSubstr("W_enc_2.safetensors is missing"));
}

TEST(DamagedDictionary, ATruncatedNpzIsNoZipFile) {
  const Copy scope("conv_gemma_scope_1_sae");
  const fs::path npz = "layer_3/width_16k/average_l0_42/params.npz";
  scope.cut(npz, 20000);
  EXPECT_EQ(scope.refused().code, ErrorCode::CorruptData);
  EXPECT_THAT(scope.refused().message, HasSubstr("params.npz: cannot be read"));
}

TEST(DamagedDictionary, ATruncatedSafetensorsFileIsNamed) {
  const Copy sae("sl_jumprelu_bdec");
  sae.cut("sae_weights.safetensors", 9000);
  EXPECT_EQ(sae.refused().code, ErrorCode::CorruptData);
  EXPECT_THAT(sae.refused().message, HasSubstr("sae_weights.safetensors"));
}

TEST(DamagedDictionary, AConfigurationOfAnotherWidthIsRefused) {
  const Copy sae("sl_jumprelu_bdec");
  sae.write("cfg.json", R"({"architecture": "jumprelu", "d_in": 64, "d_sae": 96})");
  EXPECT_THAT(sae.refused().message, HasSubstr("d_in: says 64, but the weights have 32"));
}

TEST(DamagedDictionary, AnUnknownArchitectureIsRefused) {
  const Copy sae("sl_jumprelu_bdec");
  sae.write("cfg.json", R"({"architecture": "temporal"})");
  EXPECT_EQ(sae.refused().code, ErrorCode::Unsupported);
  EXPECT_THAT(sae.refused().message, HasSubstr("'temporal' is not known"));
}

TEST(DamagedDictionary, AMoreThanWholeKIsRefused) {
  const Copy sae("sp_sae_topk");
  const auto refused = thrown_by([&] { load_dictionary(sae.path() / "layers.1", {.k = 97.0}); });
  EXPECT_THAT(refused.message, HasSubstr("k is 97, but there are 96 features"));
}

/// An SAE of 2 features of 2 numbers with this weight somewhere.
void write_sae(const fs::path& folder, float weight, float bias) {
  fs::create_directories(folder);
  write_file(folder / "cfg.json", R"({"architecture": "standard"})");
  Matrix w = Matrix::host(2, 2, DType::F32);
  Matrix b = Matrix::host(1, 2, DType::F32);
  for (std::size_t i = 0; i < 4; ++i) {
    w.as<float>().data[i] = i == 2 ? weight : 1.0F;
    b.as<float>().data[i / 2] = bias;
  }
  const std::vector<std::size_t> two = {2};
  write_safetensors(folder / "sae_weights.safetensors",
                    std::vector<NamedMatrix>{{"W_enc", w.ref()},
                                             {"W_dec", w.ref()},
                                             {"b_enc", b.ref(), two},
                                             {"b_dec", b.ref(), two}});
}

TEST(DamagedDictionary, WeightsThatAreNoNumbersAreNamed) {
  const TemporaryFolder folder;
  write_sae(folder / "sae", NAN, 0.0F);
  const auto refused = thrown_by([&] { load_dictionary(folder / "sae"); });
  EXPECT_EQ(refused.code, ErrorCode::CorruptData);
  EXPECT_THAT(refused.message, HasSubstr("row 1 of W_enc holds a number that is not finite"));
}

TEST(DamagedDictionary, BiasesThatAreNoNumbersAreNamed) {
  const TemporaryFolder folder;
  write_sae(folder / "sae", 1.0F, INFINITY);
  EXPECT_THAT(thrown_by([&] { load_dictionary(folder / "sae"); }).message,
              HasSubstr("entry 0 of b_enc is inf"));
}

TEST(DamagedDictionary, InputOfAnotherWidthIsRefused) {
  const TemporaryFolder folder;
  write_sae(folder / "sae", 1.0F, 0.0F);
  const auto sae = load_dictionary(folder / "sae");
  const Matrix x = Matrix::host(1, 3, DType::F32);
  EXPECT_THAT(thrown_by([&] { encode(*make_cpu_backend(), *sae, 0, x.ref()); }).message,
              HasSubstr("reads 2 numbers a token, but was given 3"));
}

TEST(DamagedDictionary, InputThatIsNoNumberIsNamed) {
  const TemporaryFolder folder;
  write_sae(folder / "sae", 1.0F, 0.0F);
  const auto sae = load_dictionary(folder / "sae");
  Matrix x = Matrix::host(2, 2, DType::F32);
  std::fill_n(x.as<float>().data, 4, 1.0F);
  x.as<float>().at(1, 0) = NAN;
  EXPECT_THAT(thrown_by([&] { encode(*make_cpu_backend(), *sae, 0, x.ref()); }).message,
              HasSubstr("column 0 of row 1 of layer 0's input is not finite"));
}

TEST(DamagedDictionary, PicklesThatWantToCallSomethingAreRefused) {
  const fs::path file = testing::golden_core("dictionaries/formats") / "pt_traps/must_refuse.pt";
  EXPECT_THAT(thrown_by([&] { load_dictionary(file); }).message, HasSubstr("__builtin__.print"));
}

TEST(DamagedDictionary, AKWithoutANumberIsRefused) {
  const fs::path corpus = fs::path(CAJAL_SOURCE_DIR) / "src/dictionary/testdata";
  const TemporaryFolder folder;
  fs::copy(corpus / "k_without_a_number.pt", folder / "ae.pt");
  write_file(folder / "config.json", R"({"trainer": {"dict_class": "AutoEncoderTopK"}})");
  const auto refused = thrown_by([&] { load_dictionary(folder.path()); });
  EXPECT_EQ(refused.code, ErrorCode::CorruptData);
  EXPECT_THAT(refused.message, HasSubstr("'k' should be one number, but has 0"));
}

/// With a decoder row of zeros, in a layout that scales features by the norms of those.
TEST(DamagedDictionary, AFeatureThatWritesNothingStaysWithoutWritingNaN) {
  const TemporaryFolder folder;
  write_sae(folder / "sae", 1.0F, 1.0F);
  write_file(folder / "sae/cfg.json",
             R"({"architecture": "topk", "k": 1, "rescale_acts_by_decoder_norm": true})");
  const auto loaded = load_dictionary(folder / "sae");
  DictionaryLayer layer = loaded->layers()[0];
  Matrix w_dec = Matrix::host(2, 2, DType::F32);
  std::fill_n(w_dec.as<float>().data, 4, 0.0F);
  w_dec.as<float>().at(1, 0) = 2.0F;
  layer.w_dec = w_dec.ref();
  layer.feature_scale = decoder_norms(layer.w_dec);
  const auto dead = std::make_shared<const Dictionary>(loaded->info(), std::vector{layer}, loaded);
  check_weights(*fold_feature_scale(dead));
  EXPECT_EQ(element(fold_feature_scale(dead)->layers()[0].w_dec, 1, 0), 1.0);
}

TEST(DamagedDictionary, SeveralForOneLayerHaveToBeChosenFrom) {
  const TemporaryFolder folder;
  write_sae(folder / "a", 1.0F, 0.0F);
  write_sae(folder / "b", 1.0F, 0.0F);
  EXPECT_THAT(thrown_by([&] { load_dictionary(folder.path()); }).message,
              HasSubstr("holds several dictionaries for layer 0"));
}

TEST(DamagedDictionary, WhatIsNoneSaysWhatWouldBe) {
  const TemporaryFolder folder;
  EXPECT_THAT(thrown_by([&] { load_dictionary(folder.path()); }).message,
              HasSubstr("holds no dictionary in a layout that is known (circuit-tracer, "));
  EXPECT_EQ(thrown_by([&] { load_dictionary(folder / "nothing"); }).code, ErrorCode::NotFound);
}

}  // namespace
}  // namespace cajal
