#include <algorithm>
#include <cmath>
#include <limits>

#include "ops/ref/reference.h"
#include "ops/visible.h"

namespace cajal {
namespace {

/// One head of one segment: [queries or keys, d_head].
struct Head {
  MatrixView<const double> q, k, v, dz;
  MatrixView<double> dq, dk, dv;  // without data where they are not wanted
};

template <typename T, typename Byte>
MatrixView<T> part(AnyMatrix<Byte> m, std::size_t row, std::size_t rows, std::size_t col,
                   std::size_t cols) {
  return m ? m.row_range(row, rows).col_range(col, cols).template as<T>() : MatrixView<T>{};
}

Head head_of(const AttentionShape& shape, const AttentionSegment& at, const AttendVjpArgs& args,
             std::size_t h) {
  const std::size_t d = shape.d_head;
  const std::size_t own = h * d;
  const std::size_t shared = h / (shape.heads / shape.kv_heads) * d;
  const std::size_t keys = shape.first + at.queries;
  return {.q = part<const double>(args.q, at.query_row, at.queries, own, d),
          .k = part<const double>(args.k, at.key_row, keys, shared, d),
          .v = part<const double>(args.v, at.key_row, keys, shared, d),
          .dz = part<const double>(args.dz, at.query_row, at.queries, own, d),
          .dq = part<double>(args.dq, at.query_row, at.queries, own, d),
          .dk = part<double>(args.dk, at.key_row, keys, shared, d),
          .dv = part<double>(args.dv, at.key_row, keys, shared, d)};
}

void add_row(std::span<double> to, double factor, std::span<const double> from) {
  for (std::size_t c = 0; c < to.size(); ++c) {
    to[c] += factor * from[c];
  }
}

double dot(std::span<const double> a, std::span<const double> b) {
  double sum = 0;
  for (std::size_t c = 0; c < a.size(); ++c) {
    sum += a[c] * b[c];
  }
  return sum;
}

/// Query i of a head, from its row of capped scores and of probabilities. With ds the gradient of
/// the capped score, ds_j = p_j (dp_j - sum p dp). Returns the gradient of the sink.
double pull_back(const AttentionShape& shape, const Head& head, std::size_t i,
                 std::span<const double> scores, std::span<const double> p) {
  const KeyRange keys = visible_keys(shape, i);
  double along = 0;  // sum p dp
  double rest = 1;   // the sink's probability
  for (std::size_t j = keys.begin; j < keys.end; ++j) {
    if (head.dv.data != nullptr) {
      add_row(head.dv.row(j), p[j], head.dz.row(i));
    }
    if (head.dq.data != nullptr) {
      along += p[j] * dot(head.dz.row(i), head.v.row(j));
    }
    rest -= p[j];
  }
  for (std::size_t j = keys.begin; j < keys.end && head.dq.data != nullptr; ++j) {
    double ds = p[j] * (dot(head.dz.row(i), head.v.row(j)) - along);
    if (shape.soft_cap != 0 && p[j] != 0) {
      ds *= 1 - scores[j] / shape.soft_cap * (scores[j] / shape.soft_cap);
    }
    add_row(head.dq.row(i), shape.scale * ds, head.k.row(j));
    add_row(head.dk.row(j), shape.scale * ds, head.q.row(i));
  }
  return -rest * along;
}

void clear_rows(MatRef m, std::size_t begin, std::size_t count) {
  for (std::size_t r = begin; m && r < begin + count; ++r) {
    std::ranges::fill(m.as<double>().row(r), 0.0);
  }
}

void clear_segment(const AttentionShape& shape, const AttentionSegment& at,
                   const AttendVjpArgs& args) {
  clear_rows(args.dq, at.query_row, at.queries);
  clear_rows(args.dk, at.key_row, shape.first + at.queries);
  clear_rows(args.dv, at.key_row, shape.first + at.queries);
}

/// Scores, hidden ones infinitely low, and probabilities of one segment; may be the same memory.
void segment_pattern(AttentionOps& ops, const AttentionShape& shape, const AttentionSegment& at,
                     ConstMatRef q, ConstMatRef k, MatRef scores, MatRef probabilities) {
  ops.attention_scores(shape, q.row_range(at.query_row, at.queries),
                       k.row_range(at.key_row, shape.first + at.queries), scores);
  const auto all = scores.as<double>();
  for (std::size_t row = 0; row < all.rows && !at.seen_until.empty(); ++row) {
    for (std::size_t key = 0; key < all.cols; ++key) {
      if (at.hides(key, row % at.queries)) {
        all.at(row, key) = -std::numeric_limits<double>::infinity();
      }
    }
  }
  ops.attention_probabilities(shape, scores, probabilities);
}

}  // namespace

void ReferenceBackend::attend_segments(const AttentionShape& shape,
                                       std::span<const AttentionSegment> segments, ConstMatRef q,
                                       ConstMatRef k, ConstMatRef v, MatRef z) {
  for (const AttentionSegment& at : segments) {
    const std::size_t keys = shape.first + at.queries;
    Matrix p = Matrix::host(shape.heads * at.queries, keys, DType::F64);
    segment_pattern(*this, shape, at, q, k, p.ref(), p.ref());
    attention_mix(shape, p.ref(), v.row_range(at.key_row, keys),
                  z.row_range(at.query_row, at.queries));
  }
}

void ReferenceBackend::attend_vjp(const AttentionShape& shape,
                                  std::span<const AttentionSegment> segments,
                                  const AttendVjpArgs& args) {
  for (const AttentionSegment& at : segments) {
    const std::size_t keys = shape.first + at.queries;
    Matrix scores = Matrix::host(shape.heads * at.queries, keys, DType::F64);
    Matrix p = Matrix::host(shape.heads * at.queries, keys, DType::F64);
    segment_pattern(*this, shape, at, args.q, args.k, scores.ref(), p.ref());
    clear_segment(shape, at, args);
    for (std::size_t row = 0; row < p.rows(); ++row) {
      const std::size_t h = row / at.queries;
      const double dsink = pull_back(shape, head_of(shape, at, args, h), row % at.queries,
                                     scores.as<double>().row(row), p.as<double>().row(row));
      if (args.dsinks) {
        args.dsinks.as<double>().at(0, h) += dsink;
      }
    }
  }
}

void ReferenceBackend::attention_mix_vjp(const AttentionShape& shape, const MixVjpArgs& mix) {
  const std::size_t keys = shape.first + mix.queries;
  for (std::size_t seed = 0; seed * mix.queries < mix.dz.rows; ++seed) {
    const AttentionSegment at = {seed * mix.queries, seed * keys, mix.queries};
    const AttendVjpArgs args = {.q = mix.dz, .k = mix.dv, .dz = mix.dz, .dv = mix.dv};
    clear_segment(shape, at, args);
    std::size_t first = 0;  // query of the block
    for (const ConstMatRef block : mix.blocks) {
      const auto p = block.as<const double>();
      const std::size_t queries = p.rows / shape.heads;
      for (std::size_t row = 0; row < p.rows; ++row) {
        if (const std::size_t query = first + row % queries; query < mix.queries) {
          pull_back(shape, head_of(shape, at, args, row / queries), query, {}, p.row(row));
        }
      }
      first += queries;
    }
  }
}

}  // namespace cajal
