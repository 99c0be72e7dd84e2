// Products of dense matrices.
#pragma once

#include <span>

#include "tensor/matrix.h"

namespace cajal {

class Backend;

enum class Transpose : bool { No, Yes };

/// How a product with weights is computed (BF16 operands are exact in each of them); sums are in
/// f32 (in double on `ref`, which computes every one of these exactly).
enum class Precision : std::uint8_t {
  F32,     // both sides in f32
  BF16,    // both sides rounded to bf16
  BF16x2,  // weights stored as bf16 are exact; the other side is split in two bf16 halves
  BF16x3,  // both sides split in two, three of the four products
};

/// "f32", "bf16", "bf16x2", "bf16x3".
std::string_view name_of(Precision precision) noexcept;
/// Throws InvalidArgument listing the names.
Precision parse_precision(std::string_view name);

struct GemmArgs {
  ConstMatRef a;          // [m, k], or [k, m] if transpose_a; the backend's activation type, or
                          // BF16 on `cpu`
  ConstMatRef b;          // [k, n], or [n, k] if transpose_b; any float type
  ConstMatRef bias = {};  // [1, n], any float type; absent: none
  MatRef out;             // [m, n], the backend's activation type, or BF16 on `cpu`
  Transpose transpose_a = Transpose::No;
  Transpose transpose_b = Transpose::No;
  double alpha = 1.0;
  double beta = 0.0;  // 0: `out` is not read, so it may be uninitialised
  Precision precision = Precision::F32;
};

class DenseOps {
 public:
  virtual ~DenseOps() = default;
  /// out = alpha * a * b + bias + beta * out.
  virtual void gemm(const GemmArgs& args) = 0;
  /// gemm() of each. None of them reads or writes what another one writes.
  virtual void gemm_each(std::span<const GemmArgs> products) {
    for (const GemmArgs& product : products) {
      gemm(product);
    }
  }
  /// Whether the device computes with this precision at speed; if not, callers use F32.
  virtual bool has(Precision precision) const noexcept = 0;
};

namespace ops {

/// Checks shapes, types and devices, then DenseOps::gemm. Throws InvalidArgument.
void gemm(Backend& backend, const GemmArgs& args);

/// Many small products that have nothing to do with each other, side by side.
void gemm_each(Backend& backend, std::span<const GemmArgs> products);

/// out[m, n] = a[m, k] * weight[n, k]^T + bias: a weight stored one output per row, as in PyTorch.
void linear(Backend& backend, ConstMatRef a, ConstMatRef weight, ConstMatRef bias, MatRef out,
            Precision precision = Precision::F32);

}  // namespace ops
}  // namespace cajal
