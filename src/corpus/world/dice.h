// The random choices of one document: a pure function of (seed, stream, index), so that any
// document can be made without those before it, by any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/random.h"

namespace cajal {

/// A number for a name, the same everywhere (FNV-1a, 64 bits).
constexpr std::uint64_t name_hash(std::string_view name) noexcept {
  std::uint64_t hash = 0xCBF29CE484222325U;
  for (const char c : name) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
  }
  return hash;
}

/// Which fold out of `folds` a thing falls into, by its name alone: for choices that are to differ
/// from thing to thing and stay.
inline std::uint64_t fold_of(std::string_view name, std::uint64_t folds) noexcept {
  return random_bits(name_hash(name), name_hash("fold"), 0) % folds;
}

/// Counts up when everything that chance holds out is to be drawn anew: once the world has been
/// changed by somebody who had seen which held-out questions a model failed.
inline constexpr std::uint64_t kHeldOutDraw = 2;

/// The same for what is held out. It must not depend on a seed, or a model would be asked what
/// another seed taught it.
inline std::uint64_t held_out_fold(std::string_view name, std::uint64_t folds) noexcept {
  return random_bits(name_hash(name), name_hash("held out"), kHeldOutDraw) % folds;
}

/// Two draws never stand in the arguments of one call: compilers differ in which they evaluate
/// first.
class Dice {
 public:
  /// `stream` tells apart what draws: a task and a split, for example "sums/train".
  Dice(std::uint64_t seed, std::string_view stream, std::uint64_t index) noexcept
      : seed_(seed), stream_(name_hash(stream)), counter_(index << 16U) {}

  /// 0 .. n - 1; n from 1 to 2^32.
  std::size_t below(std::size_t n) noexcept {
    return static_cast<std::size_t>(((next() >> 32U) * n) >> 32U);
  }
  double uniform() noexcept { return static_cast<double>(next() >> 11U) * 0x1p-53; }
  bool chance(double probability) noexcept { return uniform() < probability; }

  /// One of a list that is not empty.
  template <typename List>
  const auto& pick(const List& list) noexcept {
    return list[below(std::size(list))];
  }

 private:
  std::uint64_t next() noexcept { return random_bits(seed_, stream_, counter_++); }
  std::uint64_t seed_;
  std::uint64_t stream_;
  std::uint64_t counter_;  // index * 65536 + draws so far
};

}  // namespace cajal
