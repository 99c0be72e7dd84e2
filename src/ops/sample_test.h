// Matrices for the tests of this folder: random, of any float type, with room beside their columns
// so that a stride that is ignored shows.
#pragma once

#include <limits>
#include <vector>

#include "base/random.h"
#include "ops/attention_vjp.h"
#include "ops/rows.h"
#include "tensor/matrix.h"
#include "testing/compare.h"

namespace cajal {

using testing::elements;

inline constexpr DType kFloats[] = {DType::F32, DType::BF16, DType::F16, DType::F64};
inline constexpr Activation kActivations[] = {Activation::GeluErf, Activation::GeluTanh,
                                              Activation::Silu, Activation::Relu,
                                              Activation::ReluSquared};

/// A matrix inside a wider one; what lies beside it is NaN.
class Sample {
 public:
  Sample(std::size_t rows, std::size_t cols, DType dtype)
      : storage_(Matrix::host(rows, cols + kLeft + kRight, dtype)), cols_(cols) {
    Matrix doubles = Matrix::host(rows, storage_.cols(), DType::F64);
    for (std::size_t r = 0; r < rows; ++r) {
      for (double& x : doubles.as<double>().row(r)) {
        x = std::numeric_limits<double>::quiet_NaN();
      }
    }
    store(doubles);
  }
  MatRef ref() { return storage_.ref().col_range(kLeft, cols_); }
  ConstMatRef ref() const { return storage_.ref().col_range(kLeft, cols_); }
  double at(std::size_t r, std::size_t c) const { return element(ref(), r, c); }
  std::size_t rows() const { return storage_.rows(); }
  std::size_t cols() const { return cols_; }

 private:
  static constexpr std::size_t kLeft = 3;
  static constexpr std::size_t kRight = 5;

  void store(const Matrix& doubles);
  Matrix storage_;
  std::size_t cols_;
};

/// The nearest f16, ties to even (of a double of ordinary size; tests only).
Float16 to_f16(double x);

/// `m` = `values` (row-major), rounded to its type.
void fill(MatRef m, const std::vector<double>& values);
Sample sample(std::size_t rows, std::size_t cols, DType dtype, const std::vector<double>& values);
/// Normal numbers of stream `stream`, rounded to the type.
Sample normal_sample(std::size_t rows, std::size_t cols, DType dtype, std::uint64_t stream,
                     double deviation = 1.0);
/// The same elements in another type.
Sample copy_as(ConstMatRef m, DType dtype);
/// Hides every other key of the segments from some query on. They point into what is returned.
std::vector<std::vector<std::int32_t>> hide_some_keys(std::vector<AttentionSegment>& segments);
/// The bytes of the elements, for comparisons of bits.
std::vector<std::byte> bytes_of(ConstMatRef m);

}  // namespace cajal
