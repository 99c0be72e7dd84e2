// Products of few rows of activations: decoding, where memory sets the speed.
//
// They are computed in f32 from the weights as stored, whichever precision is asked for: f32 is
// the most exact of them and costs nothing here.
#pragma once

#include <cstddef>

#include "ops/cpu/scratch.h"
#include "ops/dense.h"

namespace cajal::cpu {

/// Most rows of weights stored one input per row that are summed one after the other: rounding
/// grows with it. Larger products are sums of such sums.
inline constexpr std::size_t kLongestChain = 512;

/// Whether multiply_few_rows can do it, and is the faster way.
bool suits_few_rows(const GemmArgs& args) noexcept;

/// args.b is F32, BF16 or F16; bias: args.bias in f32, or nullptr.
void multiply_few_rows(const GemmArgs& args, const float* bias, Scratch& scratch);

}  // namespace cajal::cpu
