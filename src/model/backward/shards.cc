#include "model/backward/shards.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace cajal {
namespace {

constexpr std::size_t kUnit = 64;
constexpr std::size_t kLeast = 512;   // rows below which products are slower
constexpr std::size_t kFilling = 64;  // tokens of a sequence that only fills up

std::size_t round_up(std::size_t x, std::size_t multiple) {
  return (x + multiple - 1) / multiple * multiple;
}

std::size_t length_of(const Batch& batch, std::size_t sequence) {
  return static_cast<std::size_t>(batch.starts[sequence + 1] - batch.starts[sequence]);
}

/// Whether all fit, in this order.
bool put(const Batch& batch, const std::vector<std::size_t>& order, Shards& shards) {
  std::vector<std::size_t> used(shards.sequences.size(), 0);
  for (auto& shard : shards.sequences) {
    shard.clear();
  }
  for (const std::size_t sequence : order) {
    const std::size_t length = length_of(batch, sequence);
    const auto place = std::find_if(used.begin(), used.end(),
                                    [&](std::size_t rows) { return rows + length <= shards.rows; });
    if (place == used.end()) {
      return false;
    }
    *place += length;
    shards.sequences[static_cast<std::size_t>(place - used.begin())].push_back(sequence);
  }
  return true;
}

}  // namespace

Shards make_shards(const Batch& batch, std::size_t shard_rows, std::size_t lanes) {
  const std::size_t rows = batch.tokens.size();
  std::size_t count =
      round_up(std::max<std::size_t>(1, (rows + shard_rows - 1) / shard_rows), lanes);
  while (count > lanes && rows / count < std::min(kLeast, shard_rows)) {
    count -= lanes;
  }
  std::vector<std::size_t> order(batch.starts.size() - 1);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return length_of(batch, a) > length_of(batch, b);
  });
  const std::size_t longest = order.empty() ? 0 : length_of(batch, order.front());
  Shards shards;
  shards.sequences.resize(count);
  shards.rows = round_up(std::max(longest, (rows + count - 1) / count), kUnit);
  while (!put(batch, order, shards)) {
    shards.rows += kUnit;
  }
  return shards;
}

void ShardBatch::fill(const Batch& batch, std::span<const std::int32_t> all_targets,
                      const std::vector<std::size_t>& sequences, std::size_t rows,
                      std::size_t context) {
  tokens.clear();
  targets.clear();
  seen_until.clear();
  starts.assign(1, 0);
  for (const std::size_t sequence : sequences) {
    const auto begin = static_cast<std::size_t>(batch.starts[sequence]);
    const std::size_t length = length_of(batch, sequence);
    const auto from = batch.tokens.subspan(begin, length);
    const auto wanted = all_targets.subspan(begin, length);
    tokens.insert(tokens.end(), from.begin(), from.end());
    targets.insert(targets.end(), wanted.begin(), wanted.end());
    if (!batch.seen_until.empty()) {
      const auto seen = batch.seen_until.subspan(begin, length);
      seen_until.insert(seen_until.end(), seen.begin(), seen.end());
    }
    starts.push_back(static_cast<std::int32_t>(tokens.size()));
  }
  while (!sequences.empty() && tokens.size() < rows) {
    const std::size_t more = std::min({rows - tokens.size(), kFilling, context});
    tokens.resize(tokens.size() + more, 0);
    targets.resize(tokens.size(), -1);
    if (!batch.seen_until.empty()) {
      seen_until.resize(tokens.size(), std::numeric_limits<std::int32_t>::max());
    }
    starts.push_back(static_cast<std::int32_t>(tokens.size()));
  }
}

}  // namespace cajal
