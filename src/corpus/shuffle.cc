#include "corpus/shuffle.h"

#include <numeric>
#include <utility>

#include "base/error.h"
#include "base/random.h"

namespace cajal {

std::vector<std::uint32_t> shuffled(std::size_t count, std::uint64_t seed, std::uint64_t stream) {
  check(count <= std::uint64_t{1} << 32U, "{} documents are too many to shuffle; at most 2^32",
        count);
  std::vector<std::uint32_t> out(count);
  std::iota(out.begin(), out.end(), std::uint32_t{0});
  for (std::size_t i = count; i > 1; --i) {
    const std::uint64_t draw = random_bits(seed, stream, i) >> 32U;
    std::swap(out[i - 1], out[static_cast<std::size_t>((draw * i) >> 32U)]);
  }
  return out;
}

}  // namespace cajal
