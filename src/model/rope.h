// Rotary positions: frequencies and the tables of cosines and sines.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "model/config.h"
#include "ops/backend.h"

namespace cajal {

/// Angle per position of each pair, [dims / 2]. `tokens` is the length of the whole sequence: for
/// LongRope, sequences longer than the original context use other divisors at every position.
std::vector<double> rope_frequencies(const RopeConfig& rope, std::size_t tokens);

/// What cosines and sines are multiplied by.
double rope_attention_factor(const RopeConfig& rope, std::size_t context);

/// True if keys cached for a sequence of `before` tokens no longer fit once it has `after`.
bool rope_changes(const RopeConfig& rope, std::size_t before, std::size_t after) noexcept;

struct RopeTables {
  Matrix cos;  // [tokens, dims / 2]
  Matrix sin;
};

/// One row for each entry of `positions`. `lengths` holds the length of the sequence each row
/// belongs to, `context` the model's longest.
RopeTables rope_tables(Backend& backend, const RopeConfig& rope, std::size_t context,
                       std::span<const std::int32_t> positions,
                       std::span<const std::size_t> lengths);

}  // namespace cajal
