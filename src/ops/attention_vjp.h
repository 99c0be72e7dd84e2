// Attention of many sequences at once, and its gradient.
//
// Training packs documents into the rows of one batch; each is a segment that attends to itself
// only. One call covers all of them, so that short ones share one parallel region.
#pragma once

#include <cstdint>
#include <span>

#include "ops/attention.h"

namespace cajal {

/// Queries query_row .. query_row + queries of q and z; keys key_row .. key_row + first + queries
/// of k and v, with `first` of the AttentionShape (0 in training).
struct AttentionSegment {
  std::size_t query_row = 0;
  std::size_t key_row = 0;
  std::size_t queries = 0;
  /// [queries] or empty: key j is hidden from the queries from seen_until[j] on, which is above j.
  /// Needs `first` = 0.
  std::span<const std::int32_t> seen_until = {};

  bool hides(std::size_t key, std::size_t query) const {
    return !seen_until.empty() && static_cast<std::size_t>(seen_until[key]) <= query;
  }
};

/// Nothing of the forward pass is kept: patterns are recomputed from q and k. Rows outside every
/// segment are not written. Segments must not share query rows; they may not share key rows either
/// (each gradient has one writer).
struct AttendVjpArgs {
  ConstMatRef q;       // [rows, heads * d_head]
  ConstMatRef k;       // [key rows, kv_heads * d_head]
  ConstMatRef v = {};  // [key rows, kv_heads * d_head]; may be absent where dq and dk are
  ConstMatRef dz;      // [rows, heads * d_head]
  MatRef dq = {};      // as q; written; dq and dk absent: the pattern counts as a constant
  MatRef dk = {};      // as k; written; present if dq is
  MatRef dv = {};      // as v; written; absent: not computed
  MatRef dsinks = {};  // [1, heads], added to; absent: not computed
};

/// One frozen pattern and gradients at what it mixed. The pattern comes in blocks of queries, one
/// after the other, of which each holds no more keys than its last query sees: of a long sequence
/// little is stored that is masked.
struct MixVjpArgs {
  /// [heads * block's queries, keys] with keys = first + all queries up to the block's last
  std::span<const ConstMatRef> blocks;
  /// of each gradient: the pattern's first so many; the blocks may have more
  std::size_t queries = 0;
  ConstMatRef dz;  // [seeds * queries, heads * d_head]
  MatRef dv;       // [seeds * (first + queries), kv_heads * d_head]; written
};

class AttentionVjpOps {
 public:
  virtual ~AttentionVjpOps() = default;
  virtual void attend_segments(const AttentionShape& shape,
                               std::span<const AttentionSegment> segments, ConstMatRef q,
                               ConstMatRef k, ConstMatRef v, MatRef z) = 0;
  virtual void attend_vjp(const AttentionShape& shape, std::span<const AttentionSegment> segments,
                          const AttendVjpArgs& args) = 0;
  virtual void attention_mix_vjp(const AttentionShape& shape, const MixVjpArgs& args) = 0;
};

/// All of the backend's activation type unless said otherwise. All throw InvalidArgument.
namespace ops {

/// attend() for each segment. z, as q, may be BF16 on `cpu`.
void attend_segments(Backend& backend, const AttentionShape& shape,
                     std::span<const AttentionSegment> segments, ConstMatRef q, ConstMatRef k,
                     ConstMatRef v, MatRef z);

void attend_vjp(Backend& backend, const AttentionShape& shape,
                std::span<const AttentionSegment> segments, const AttendVjpArgs& args);

/// The gradient of attention_mix() to v with one frozen pattern, for many gradients at once. (From
/// q and k: attention_scores, attention_probabilities.)
void attention_mix_vjp(Backend& backend, const AttentionShape& shape, const MixVjpArgs& args);

}  // namespace ops
}  // namespace cajal
