// How a batch of documents is divided among passes.
#pragma once

#include <cstdint>
#include <vector>

#include "model/model.h"

namespace cajal {

struct Shards {
  std::size_t rows = 0;                             // of each shard, room that is left included
  std::vector<std::vector<std::size_t>> sequences;  // [shards] of the batch, longest first
};

/// Puts whole sequences into shards of about `shard_rows` rows, as many in each lane. The longest
/// first, each where it fits first; rows are a multiple of 64 so that they seldom change.
Shards make_shards(const Batch& batch, std::size_t shard_rows, std::size_t lanes);

/// The documents of one shard as a batch of their own, filled up with sequences of token 0 that
/// predict nothing.
struct ShardBatch {
  std::vector<TokenId> tokens;
  std::vector<std::int32_t> starts;
  std::vector<std::int32_t> targets;
  std::vector<std::int32_t> seen_until;  // empty if the batch's is

  /// `context`: the longest sequence the model takes.
  void fill(const Batch& batch, std::span<const std::int32_t> all_targets,
            const std::vector<std::size_t>& sequences, std::size_t rows, std::size_t context);
};

}  // namespace cajal
