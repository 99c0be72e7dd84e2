// The order in which an epoch visits its documents.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace cajal {

/// 0 .. count - 1 in an order that depends on (seed, stream) alone: Fisher and Yates with the draws
/// of that stream. `count` at most 2^32.
std::vector<std::uint32_t> shuffled(std::size_t count, std::uint64_t seed, std::uint64_t stream);

}  // namespace cajal
