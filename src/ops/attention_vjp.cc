#include "ops/attention_vjp.h"

#include <algorithm>
#include <vector>

#include "ops/attention_checks.h"
#include "ops/backend.h"
#include "ops/checks.h"

namespace cajal::ops {
namespace {

struct Rows {
  std::size_t begin = 0;
  std::size_t end = 0;
};

/// Refuses ranges that reach beyond `limit` rows or share a row.
void check_apart(std::vector<Rows> ranges, std::size_t limit, std::string_view what) {
  std::sort(ranges.begin(), ranges.end(),
            [](const Rows& a, const Rows& b) { return a.begin < b.begin; });
  std::size_t end = 0;
  for (const Rows& rows : ranges) {
    check(rows.begin <= limit && rows.end >= rows.begin && rows.end <= limit,
          "{}: a segment has rows {} to {}; there are {}", what, rows.begin, rows.end, limit);
    check(rows.begin >= end, "{}: two segments share row {}", what, rows.begin);
    end = rows.end;
  }
}

void check_hidden(const AttentionShape& shape, const AttentionSegment& segment,
                  std::string_view what) {
  const auto until = segment.seen_until;
  if (until.empty()) {
    return;
  }
  check(shape.first == 0 && until.size() == segment.queries,
        "{}: a segment of {} queries after {} keys hides keys by {} numbers", what, segment.queries,
        shape.first, until.size());
  for (std::size_t key = 0; key < until.size(); ++key) {
    check(until[key] > static_cast<std::int32_t>(key), "{}: key {} is hidden from query {}", what,
          key, until[key]);
  }
}

void check_segments(const AttentionShape& shape, std::span<const AttentionSegment> segments,
                    std::size_t query_rows, std::size_t key_rows, std::string_view what) {
  std::vector<Rows> queries;
  std::vector<Rows> keys;
  for (const AttentionSegment& segment : segments) {
    if (segment.queries != 0) {
      queries.push_back({segment.query_row, segment.query_row + segment.queries});
      keys.push_back({segment.key_row, segment.key_row + shape.first + segment.queries});
      check_hidden(shape, segment, what);
    }
  }
  check_apart(std::move(queries), query_rows, what);
  check_apart(std::move(keys), key_rows, what);
}

/// k or v of [rows, ...], or a gradient of them.
void check_all_keys(const Backend& backend, const AttentionShape& shape, std::size_t rows,
                    ConstMatRef m, std::string_view what) {
  check_activations(backend, m, what);
  check_key_columns(shape, m, what);
  check(m.rows == rows, "{} has {} rows, not {}", what, m.rows, rows);
}

void check_gradients(const Backend& backend, const AttentionShape& shape,
                     const AttendVjpArgs& args) {
  check(static_cast<bool>(args.dq) == static_cast<bool>(args.dk),
        "attend_vjp: dq and dk are wanted together or not at all");
  if (args.dq) {
    check_activations(backend, args.dq, "attend_vjp: dq");
    check_shape(args.dq, args.q.rows, args.q.cols, "attend_vjp: dq");
    check_all_keys(backend, shape, args.k.rows, args.dk, "attend_vjp: dk");
  }
  if (args.dv) {
    check_all_keys(backend, shape, args.k.rows, args.dv, "attend_vjp: dv");
  }
  if (args.dsinks) {
    check(args.dq && shape.sinks, "attend_vjp: dsinks needs sinks, dq and dk");
    check_activations(backend, args.dsinks, "attend_vjp: dsinks");
    check_shape(args.dsinks, 1, shape.heads, "attend_vjp: dsinks");
  }
}

}  // namespace

void attend_segments(Backend& backend, const AttentionShape& shape,
                     std::span<const AttentionSegment> segments, ConstMatRef q, ConstMatRef k,
                     ConstMatRef v, MatRef z) {
  check_attention(backend, shape);
  check_activations(backend, q, "attend_segments: q");
  check_query_columns(shape, q, "attend_segments: q");
  check_all_keys(backend, shape, k.rows, k, "attend_segments: k");
  check_all_keys(backend, shape, k.rows, v, "attend_segments: v");
  check_stored(backend, z, "attend_segments: z");
  check_shape(z, q.rows, q.cols, "attend_segments: z");
  check_segments(shape, segments, q.rows, k.rows, "attend_segments");
  backend.attend_segments(shape, segments, q, k, v, z);
}

void attend_vjp(Backend& backend, const AttentionShape& shape,
                std::span<const AttentionSegment> segments, const AttendVjpArgs& args) {
  check_attention(backend, shape);
  check_activations(backend, args.q, "attend_vjp: q");
  check_query_columns(shape, args.q, "attend_vjp: q");
  check_all_keys(backend, shape, args.k.rows, args.k, "attend_vjp: k");
  check_activations(backend, args.dz, "attend_vjp: dz");
  check_shape(args.dz, args.q.rows, args.q.cols, "attend_vjp: dz");
  if (args.v || args.dq) {
    check_all_keys(backend, shape, args.k.rows, args.v, "attend_vjp: v");
  }
  check_gradients(backend, shape, args);
  check_segments(shape, segments, args.q.rows, args.k.rows, "attend_vjp");
  backend.attend_vjp(shape, segments, args);
}

void attention_mix_vjp(Backend& backend, const AttentionShape& shape, const MixVjpArgs& args) {
  check_attention(backend, shape);
  AttentionShape block = shape;  // as its queries see it
  for (const ConstMatRef probabilities : args.blocks) {
    block.first +=
        check_pattern(backend, block, probabilities, "attention_mix_vjp: a block of the pattern");
  }
  check_activations(backend, args.dz, "attention_mix_vjp: dz");
  check_query_columns(shape, args.dz, "attention_mix_vjp: dz");
  const std::size_t queries = args.queries;
  check(queries != 0 && queries <= block.first - shape.first && args.dz.rows % queries == 0,
        "attention_mix_vjp: {} rows of dz are not seeds of {} queries of the pattern's {}",
        args.dz.rows, queries, block.first - shape.first);
  check_all_keys(backend, shape, args.dz.rows / queries * (shape.first + queries), args.dv,
                 "attention_mix_vjp: dv");
  backend.attention_mix_vjp(shape, args);
}

}  // namespace cajal::ops
