#include "tensor/host_matrix.h"

#include <gtest/gtest.h>

namespace cajal {
namespace {

TEST(HostMatrix, SetsOneElementOfEitherFloatType) {
  for (const DType dtype : {DType::F32, DType::F64}) {
    Matrix m = host_zeros(2, 3, dtype);
    set_element(m.ref(), 1, 2, 0.5);
    for (std::size_t i = 0; i < 6; ++i) {
      EXPECT_EQ(element(m.ref(), i / 3, i % 3), i == 5 ? 0.5 : 0.0);
    }
  }
}

TEST(HostMatrix, CopiesRowsThatLieApart) {
  Matrix m = host_zeros(3, 4, DType::F32);
  set_element(m.ref(), 2, 1, 7.0);
  const Matrix copy = host_copy(m.ref().row_range(1, 2).col_range(1, 2));
  EXPECT_EQ(copy.rows(), 2U);
  EXPECT_EQ(copy.cols(), 2U);
  EXPECT_EQ(element(copy.ref(), 1, 0), 7.0);
}

}  // namespace
}  // namespace cajal
