// Conversions between the float types, by vectors.
#pragma once

#include <cstddef>

#include "tensor/matrix.h"

namespace cajal::cpu {

/// `count` elements of any float type as f32: exact, but for F64, which is rounded.
void to_floats(DType dtype, const std::byte* in, std::size_t count, float* out);
/// Nearest, ties to even; NaN stays NaN.
void round_to_bf16(const float* in, std::size_t count, BFloat16* out);
/// in = high + low + a rest below 2^-16 |in|. Both rounded to nearest.
void split_in_bf16(const float* in, std::size_t count, BFloat16* high, BFloat16* low);

}  // namespace cajal::cpu
