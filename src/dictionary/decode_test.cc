#include <cmath>

#include <gtest/gtest.h>

#include "dictionary/encode.h"

namespace cajal {
namespace {

/// Two features that read and write three numbers.
class Scaled : public ::testing::TestWithParam<InputScaling> {
 protected:
  static ConstMatRef view(const std::vector<float>& m, std::size_t rows, std::size_t cols) {
    return {reinterpret_cast<const std::byte*>(m.data()), rows, cols, cols};
  }
  std::vector<float> encoder_ = {1, 2, -1, 0.5, -1, 3};
  std::vector<float> decoder_ = {0.25, 1, -2, 3, 0.5, 1};
  Dictionary dictionary_{{.kind = DictionaryKind::Sae, .name = "made up", .format = "none"},
                         {{.layer = 0,
                           .input_point = "resid_pre.0",
                           .output_point = "resid_pre.0",
                           .w_enc = {view(encoder_, 2, 3)},
                           .w_dec = view(decoder_, 2, 3),
                           .b_enc = {0.1F, 0.2F},
                           .b_dec = {0.5F, 0.0F, -0.5F},
                           .feature_scale = {2.0F, 4.0F},
                           .activation = {},
                           .scaling = GetParam(),
                           .input_scale = GetParam() == InputScaling::None ? 3.0 : 1.0,
                           .undoes_scaling = true}},
                         nullptr};
};

TEST_P(Scaled, DecoderFactorIsWhatDecodeMultipliesAnActivationWith) {
  const auto backend = make_reference_backend();
  Matrix x = Matrix::host(1, 3, DType::F64);
  x.as<double>().at(0, 0) = 1.0;
  x.as<double>().at(0, 1) = -2.0;
  x.as<double>().at(0, 2) = 4.0;
  const auto decoded = [&](float activation) {
    SparseRows codes;
    codes.cols = 2;
    codes.append(1, activation);
    codes.end_row();
    Matrix out = make_matrix(*backend, 1, 3);
    decode(*backend, dictionary_, 0, std::span(&codes, 1), x.ref(), out.ref());
    return out;
  };
  const Matrix one = decoded(1.0F);
  const Matrix three = decoded(3.0F);
  const double factor = decoder_factor(dictionary_, 0, 1, 0, x.ref());
  for (std::size_t c = 0; c < 3; ++c) {
    EXPECT_NEAR(element(three.ref(), 0, c) - element(one.ref(), 0, c),
                2.0 * factor * static_cast<double>(decoder_[3 + c]), 1e-12);
  }
}

TEST_P(Scaled, PreactivationsAreThoseThatFire) {
  const auto backend = make_reference_backend();
  Matrix x = Matrix::host(1, 3, DType::F64);
  x.as<double>().at(0, 0) = 1.0;
  x.as<double>().at(0, 1) = -2.0;
  x.as<double>().at(0, 2) = 4.0;
  const Matrix h = preactivations(*backend, dictionary_, 0, x.ref());
  const SparseRows codes = encode(*backend, dictionary_, 0, x.ref());
  std::size_t fired = 0;
  for (std::size_t f = 0; f < 2; ++f) {
    if (element(h.ref(), 0, f) > 0.0) {
      ASSERT_LT(fired, codes.row(0).size());
      EXPECT_EQ(codes.row(0).columns[fired], f);
      EXPECT_FLOAT_EQ(codes.row(0).values[fired++], static_cast<float>(element(h.ref(), 0, f)));
    }
  }
  EXPECT_EQ(fired, codes.row(0).size());
}

INSTANTIATE_TEST_SUITE_P(Scalings, Scaled,
                         ::testing::Values(InputScaling::None, InputScaling::LayerNorm,
                                           InputScaling::ConstantNorm));

}  // namespace
}  // namespace cajal
