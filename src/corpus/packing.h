// Documents packed into batches of a fixed number of tokens.
//
// A document is a segment of its own: it attends to itself alone and its positions start at 0, so
// nothing is lost by packing and no row is padded. What is left at the end of a batch, where the
// next document does not fit, is a segment of <pad> whose predictions do not count.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "corpus/mixture.h"
#include "corpus/word_ends.h"

namespace cajal {

struct PackedBatch {
  std::vector<TokenId> tokens;
  std::vector<std::int32_t> starts;      // [segments + 1], from 0 to tokens.size()
  std::vector<std::int32_t> targets;     // [tokens] the id that follows; -1: none that counts
  std::vector<std::int32_t> seen_until;  // [tokens] as Batch's; empty: nothing is hidden
  std::size_t predictions = 0;           // targets that count
};

struct PackingOptions {
  std::size_t tokens = 0;   // of a batch; no document may be longer
  std::size_t longest = 0;  // segment of padding; 0: of any length
  TokenId pad = 0;
  const WordEnds* word_ends = nullptr;  // what hides pieces of words; nullptr: nothing does
};

/// The next documents of the stream, as many as fit. Throws InvalidArgument if the next document
/// alone does not fit.
PackedBatch pack(Mixture& stream, double progress, const PackingOptions& options);

/// The same of given documents, from `next` on, which is moved to the first that was not taken.
PackedBatch pack(const TokenSource& source, std::uint64_t& next, const PackingOptions& options);

}  // namespace cajal
