// What this machine can do at best, measured now: the limits that benchmarks compare with.
#pragma once

#include <cstddef>

namespace cajal {

/// Floating-point operations a second (a multiply-add counts two) of oneDNN's own threaded product
/// [m, k] * [k, n] with weights packed as it likes them: the best of `runs`. 0 if it cannot.
double onednn_gemm_rate(std::size_t m, std::size_t k, std::size_t n, bool bf16, int runs);

/// Bytes a second read from memory by all threads, over a buffer no cache holds: the best of `runs`
/// in which each thread reads in one place, and of as many in which it reads in four.
double read_bandwidth(int runs);

}  // namespace cajal
