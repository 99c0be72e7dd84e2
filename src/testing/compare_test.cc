// Tests of every layer rely on this comparison: it must not lose a NaN among good numbers.
#include "testing/compare.h"

#include <algorithm>
#include <limits>

#include <gtest/gtest.h>

namespace cajal::testing {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

Matrix row_of(std::initializer_list<double> values) {
  Matrix out = Matrix::host(1, values.size(), DType::F64);
  std::copy(values.begin(), values.end(), out.as<double>().row(0).begin());
  return out;
}

double error_of(std::initializer_list<double> got, std::initializer_list<double> want) {
  return largest_error(row_of(got).ref(), row_of(want).ref());
}

TEST(LargestError, IsTheLargestDifferenceOfEitherSign) {
  EXPECT_EQ(error_of({1, 2, 3}, {1, 2, 3}), 0.0);
  EXPECT_EQ(error_of({1, 2, 3}, {1.5, 2, 1}), 2.0);
  EXPECT_EQ(error_of({1, -4, 3}, {1.5, 2, 3}), 6.0);
  EXPECT_EQ(error_of({}, {}), 0.0);
}

TEST(LargestError, IsInfiniteWhereverANumberIsNotFinite) {
  for (const double bad : {kNan, kInfinity, -kInfinity}) {
    EXPECT_EQ(error_of({bad, 2, 3}, {1, 2, 3}), kInfinity) << bad;
    EXPECT_EQ(error_of({1, bad, 3}, {1, 2, 3}), kInfinity) << bad;
    EXPECT_EQ(error_of({1, 2, bad}, {1, 2, 3}), kInfinity) << bad;
    EXPECT_EQ(error_of({1, 2, 3}, {1, bad, 3}), kInfinity) << bad;
    EXPECT_EQ(error_of({1, bad, 3}, {1, bad, 3}), kInfinity) << bad;
  }
}

TEST(LargestError, ComparesTypesAndStridesAsTheyAre) {
  Matrix wide = Matrix::host(2, 3, DType::F32);
  Matrix narrow = Matrix::host(2, 2, DType::F64);
  for (std::size_t r = 0; r < 2; ++r) {
    for (std::size_t c = 0; c < 3; ++c) {
      wide.as<float>().at(r, c) = static_cast<float>(10 * r + c);
    }
    for (std::size_t c = 0; c < 2; ++c) {
      narrow.as<double>().at(r, c) = static_cast<double>(10 * r + c + 1);
    }
  }
  EXPECT_EQ(largest_error(wide.ref().col_range(1, 2), narrow.ref()), 0.0);
  EXPECT_EQ(largest_error(wide.ref().col_range(0, 2), narrow.ref()), 1.0);
}

TEST(LargestError, RefusesShapesThatDiffer) {
  EXPECT_THROW(error_of({1, 2}, {1, 2, 3}), Error);
}

}  // namespace
}  // namespace cajal::testing
