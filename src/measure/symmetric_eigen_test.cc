#include "measure/symmetric_eigen.h"

#include <cmath>

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/random.h"

namespace cajal {
namespace {

Matrix random_symmetric(std::size_t n, std::size_t rank) {
  Matrix out = Matrix::host(n, n, DType::F64);
  const auto number = [](std::size_t stream, std::size_t i) {
    return static_cast<double>(random_bits(7, stream, i) >> 11) * 0x1p-52 - 1.0;
  };
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      double sum = 0.0;
      for (std::size_t k = 0; k < rank; ++k) {
        sum += number(k, i) * number(k, j);
      }
      out.as<double>().at(i, j) = sum;
    }
  }
  return out;
}

class SymmetricEigenOf : public ::testing::TestWithParam<std::pair<std::size_t, std::size_t>> {};

TEST_P(SymmetricEigenOf, VectorsAreOrthonormalAndGiveTheMatrixBack) {
  const auto [n, rank] = GetParam();
  const Matrix a = random_symmetric(n, rank);
  const SymmetricEigen eigen = symmetric_eigen(a.as<double>());
  const auto v = std::as_const(eigen.vectors).as<double>();
  for (std::size_t i = 0; i < n; ++i) {
    EXPECT_TRUE(i == 0 || eigen.values[i - 1] >= eigen.values[i]);
    for (std::size_t j = 0; j < n; ++j) {
      double dot = 0.0;
      double back = 0.0;
      for (std::size_t k = 0; k < n; ++k) {
        dot += v.at(i, k) * v.at(j, k);
        back += eigen.values[k] * v.at(k, i) * v.at(k, j);
      }
      EXPECT_NEAR(dot, i == j ? 1.0 : 0.0, 1e-13 * static_cast<double>(n));
      EXPECT_NEAR(back, a.as<double>().at(i, j), 1e-13 * static_cast<double>(n * rank));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(OddSizes, SymmetricEigenOf,
                         ::testing::Values(std::pair{1, 1}, std::pair{2, 1}, std::pair{2, 2},
                                           std::pair{7, 7}, std::pair{16, 5}, std::pair{33, 40},
                                           std::pair{33, 1}));

TEST(SymmetricEigen, WhatIsNotFiniteIsRefused) {
  Matrix a = random_symmetric(3, 3);
  a.as<double>().at(2, 1) = std::nan("");
  EXPECT_THROW(symmetric_eigen(std::as_const(a).as<double>()), Error);
}

}  // namespace
}  // namespace cajal
