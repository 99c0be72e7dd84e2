// Products of few rows with a large matrix, which is read once, at the speed of memory.
#pragma once

#include <cstddef>

#include "tensor/matrix.h"

namespace cajal::cpu {

/// Most rows of activations that one pass over the weights serves.
inline constexpr std::size_t kFewRows = 16;

/// Places of the weights that are read at the same time.
inline constexpr std::size_t kStreams = 4;

/// out[i, s * n + r] = a[i] . (row r + s * apart after the first of `weights`) for s < kStreams;
/// apart 0: for s = 0 only. a: [m <= kFewRows, k] f32; weights: [n, k] F32, BF16 or F16; out:
/// [m, n * streams] f32. The order of each sum depends on k alone.
void dot_rows(ConstMatRef a, ConstMatRef weights, std::size_t apart, MatRef out);

/// out = the sum over s < kStreams and r < n of a[:, r + s * apart] (row r + s * apart after the
/// first of `weights`); apart 0: for s = 0 only. a: [m <= kFewRows, at least n + 3 * apart] f32;
/// weights: [n, cols] F32, BF16 or F16; out: [m, cols] f32. The order of the sum depends on n and
/// apart alone.
void sum_rows(ConstMatRef a, ConstMatRef weights, std::size_t apart, MatRef out);

}  // namespace cajal::cpu
