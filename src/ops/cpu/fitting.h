// Operands and results of a product, converted where their types are not those it computes with.
#pragma once

#include "ops/cpu/scratch.h"
#include "ops/dense.h"

namespace cajal::cpu {

/// to = m, which may be of any float type; to is F32 or BF16, of the same shape.
void convert_rows(ConstMatRef m, MatRef to);
/// `m` as it is if it holds `dtype` (F32 or BF16), else converted into `memory`, densely.
ConstMatRef fitting(ConstMatRef m, DType dtype, std::byte* memory);
ConstMatRef fitting(ConstMatRef m, DType dtype, Scratch& memory);
/// Bytes that fitting() needs for so many elements of `m`.
std::size_t fitting_bytes(ConstMatRef m, DType dtype, std::size_t elements);

/// A piece of a row of outputs.
struct OutRow {
  std::size_t row = 0, begin = 0, count = 0;
};
/// The piece = alpha * product + bias + beta * itself; `bias` (nullptr: none) starts at column 0,
/// `product` at the piece. Rounds if out is BF16.
void combine_row(const GemmArgs& args, const float* product, const float* bias, OutRow at);

}  // namespace cajal::cpu
