// Random numbers as a pure function of (seed, stream, counter): any number can be drawn again
// without drawing the ones before it, so results do not depend on threads or on resuming.
#pragma once

#include <cstdint>

namespace cajal {

/// 64 random bits. Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2,
/// 3") with key `seed` and counter (`counter`, `stream`); the first two of its four words.
std::uint64_t random_bits(std::uint64_t seed, std::uint64_t stream, std::uint64_t counter) noexcept;

/// Uniform in [0, 1), a multiple of 2^-53.
double random_uniform(std::uint64_t seed, std::uint64_t stream, std::uint64_t counter) noexcept;

/// Standard normal: Box and Muller on draws 2 * counter and 2 * counter + 1 of the stream.
double random_normal(std::uint64_t seed, std::uint64_t stream, std::uint64_t counter) noexcept;

}  // namespace cajal
