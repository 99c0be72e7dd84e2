#include "base/random.h"

#include <array>
#include <cmath>
#include <numbers>

namespace cajal {
namespace {

using Words = std::array<std::uint32_t, 4>;

constexpr std::uint32_t low(std::uint64_t x) {
  return static_cast<std::uint32_t>(x);
}
constexpr std::uint32_t high(std::uint64_t x) {
  return static_cast<std::uint32_t>(x >> 32U);
}

Words philox(Words x, std::uint32_t key0, std::uint32_t key1) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p = std::uint64_t{0xD2511F53U} * x[0];
    const std::uint64_t q = std::uint64_t{0xCD9E8D57U} * x[2];
    x = {high(q) ^ x[1] ^ key0, low(q), high(p) ^ x[3] ^ key1, low(p)};
    key0 += 0x9E3779B9U;
    key1 += 0xBB67AE85U;
  }
  return x;
}

}  // namespace

std::uint64_t random_bits(std::uint64_t seed, std::uint64_t stream,
                          std::uint64_t counter) noexcept {
  const Words out =
      philox({low(counter), high(counter), low(stream), high(stream)}, low(seed), high(seed));
  return (std::uint64_t{out[1]} << 32U) | out[0];
}

double random_uniform(std::uint64_t seed, std::uint64_t stream, std::uint64_t counter) noexcept {
  return static_cast<double>(random_bits(seed, stream, counter) >> 11U) * 0x1p-53;
}

double random_normal(std::uint64_t seed, std::uint64_t stream, std::uint64_t counter) noexcept {
  const double u = 1.0 - random_uniform(seed, stream, 2 * counter);  // in (0, 1]
  const double v = random_uniform(seed, stream, 2 * counter + 1);
  return std::sqrt(-2.0 * std::log(u)) * std::cos(2.0 * std::numbers::pi * v);
}

}  // namespace cajal
