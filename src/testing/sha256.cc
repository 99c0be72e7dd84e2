#include "testing/sha256.h"

#include <array>
#include <bit>
#include <cstdint>

#include <fmt/format.h>

namespace cajal::testing {
namespace {

using Words = std::array<std::uint32_t, 8>;

constexpr std::array<unsigned, 64> kPrimes = {
    2,   3,   5,   7,   11,  13,  17,  19,  23,  29,  31,  37,  41,  43,  47,  53,
    59,  61,  67,  71,  73,  79,  83,  89,  97,  101, 103, 107, 109, 113, 127, 131,
    137, 139, 149, 151, 157, 163, 167, 173, 179, 181, 191, 193, 197, 199, 211, 223,
    227, 229, 233, 239, 241, 251, 257, 263, 269, 271, 277, 281, 283, 293, 307, 311};

__extension__ typedef unsigned __int128 Unsigned;

/// The first 32 bits of the fraction of the square root (power 2) or cube root (power 3) of a
/// prime: all constants of the standard. In whole numbers: what long double gives depends on what
/// ran before where g++ 12 uses MMX registers without setting them free (it does for slice_of at
/// -O2).
std::uint32_t fraction(unsigned prime, unsigned power) {
  const Unsigned whole = static_cast<Unsigned>(prime) << (32U * power);
  std::uint64_t root = 0;
  for (std::uint64_t bit = std::uint64_t{1} << 37U; bit != 0; bit >>= 1U) {
    const Unsigned tried = root | bit;
    const Unsigned raised = power == 2 ? tried * tried : tried * tried * tried;
    root |= raised <= whole ? bit : 0U;
  }
  return static_cast<std::uint32_t>(root);
}

std::array<std::uint32_t, 64> round_constants() {
  std::array<std::uint32_t, 64> out{};
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = fraction(kPrimes[i], 3);
  }
  return out;
}

void add_block(Words& state, std::string_view block) {
  std::array<std::uint32_t, 64> w{};
  for (std::size_t i = 0; i < 64; ++i) {
    w[i / 4] = w[i / 4] << 8U | static_cast<unsigned char>(block[i]);
  }
  for (std::size_t i = 16; i < 64; ++i) {
    const std::uint32_t a = w[i - 15];
    const std::uint32_t b = w[i - 2];
    w[i] = w[i - 16] + w[i - 7] + (std::rotr(a, 7) ^ std::rotr(a, 18) ^ (a >> 3U)) +
           (std::rotr(b, 17) ^ std::rotr(b, 19) ^ (b >> 10U));
  }
  static const std::array<std::uint32_t, 64> constants = round_constants();
  auto [a, b, c, d, e, f, g, h] = state;
  for (std::size_t i = 0; i < 64; ++i) {
    const std::uint32_t t1 = h + (std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25)) +
                             ((e & f) ^ (~e & g)) + constants[i] + w[i];
    const std::uint32_t t2 =
        (std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
    h = g;
    g = f;
    f = e;
    e = d + t1;
    d = c;
    c = b;
    b = a;
    a = t1 + t2;
  }
  const Words add = {a, b, c, d, e, f, g, h};
  for (std::size_t i = 0; i < 8; ++i) {
    state[i] += add[i];
  }
}

}  // namespace

std::string sha256(std::string_view bytes) {
  Words state{};
  for (std::size_t i = 0; i < 8; ++i) {
    state[i] = fraction(kPrimes[i], 2);
  }
  std::string padded(bytes.substr(bytes.size() / 64 * 64));
  for (std::size_t i = 0; i + 64 <= bytes.size(); i += 64) {
    add_block(state, bytes.substr(i, 64));
  }
  padded += '\x80';
  padded.resize((padded.size() + 8 + 63) / 64 * 64 - 8);
  for (int shift = 56; shift >= 0; shift -= 8) {
    padded += static_cast<char>(static_cast<std::uint64_t>(bytes.size()) * 8 >> shift & 0xFFU);
  }
  for (std::size_t i = 0; i < padded.size(); i += 64) {
    add_block(state, std::string_view(padded).substr(i, 64));
  }
  std::string out;
  for (const std::uint32_t word : state) {
    out += fmt::format("{:08x}", word);
  }
  return out;
}

}  // namespace cajal::testing
