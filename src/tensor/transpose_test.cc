#include "tensor/transpose.h"

#include <utility>

#include <gtest/gtest.h>

namespace cajal {
namespace {

TEST(Transposed, EveryElementIsAtItsMirroredPlaceAcrossTilesAndGaps) {
  Matrix wide = Matrix::host(70, 131, DType::F32);
  for (std::size_t r = 0; r < 70; ++r) {
    for (std::size_t c = 0; c < 131; ++c) {
      wide.as<float>().row(r)[c] = static_cast<float>(1000 * r + c);
    }
  }
  const Matrix turned = transposed(std::as_const(wide).ref().col_range(1, 130));
  ASSERT_EQ(turned.rows(), 130U);
  ASSERT_EQ(turned.cols(), 70U);
  for (std::size_t r = 0; r < 130; ++r) {
    for (std::size_t c = 0; c < 70; ++c) {
      ASSERT_EQ(turned.as<float>().row(r)[c], static_cast<float>(1000 * c + r + 1));
    }
  }
}

}  // namespace
}  // namespace cajal
