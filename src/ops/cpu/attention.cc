#include <algorithm>
#include <vector>

#include "base/parallel.h"
#include "ops/cpu/attention_kernels.h"
#include "ops/cpu/convert.h"
#include "ops/cpu/cpu_backend.h"
#include "ops/visible.h"

namespace cajal {
namespace {

using cpu::kKeyBlock;

constexpr std::size_t kMostQueries = 64;                     // in one unit of work
constexpr std::size_t kScoreFloats = std::size_t{1} << 18U;  // of scores kept by a unit: 1 MiB

/// Queries [begin, end) of one head, or of heads that read the same keys.
struct Queries {
  std::size_t begin = 0;
  std::size_t end = 0;
};

/// Those of `queries` that see a key of [key, key + kKeyBlock).
Queries looking_at(const AttentionShape& shape, Queries queries, std::size_t key) {
  while (queries.begin < queries.end && visible_keys(shape, queries.begin).end <= key) {
    ++queries.begin;
  }
  while (queries.begin < queries.end &&
         visible_keys(shape, queries.end - 1).begin >= key + kKeyBlock) {
    --queries.end;
  }
  return queries;
}

/// Scores of `queries` and the keys from `key` on, which `keys` holds transposed. Row 0 of `out` is
/// the first of the queries.
void score_block(const AttentionShape& shape, MatrixView<const float> q, Queries queries,
                 const float* keys, MatrixView<float> out) {
  cpu::score({.q = q.data + queries.begin * q.stride,
              .q_stride = q.stride,
              .queries = queries.end - queries.begin,
              .d_head = shape.d_head,
              .keys = keys,
              .scale = static_cast<float>(shape.scale),
              .soft_cap = static_cast<float>(shape.soft_cap),
              .out = out.data,
              .out_stride = out.stride});
}

/// z[i] += the sum of p[i, j] v[j] over the keys of `range` that query i sees, for the `count`
/// queries (1 or 4) from `query` on. Row 0 of `p` and `z` is the first; column 0 of `p` is key 0.
void mix_queries(const AttentionShape& shape, std::size_t query, std::size_t count,
                 MatrixView<const float> p, MatrixView<const float> v, KeyRange range,
                 MatrixView<float> z) {
  const auto add = [&](std::size_t first, std::size_t queries, KeyRange keys) {
    if (keys.begin < keys.end) {
      cpu::mix({.p = p.data + first * p.stride + keys.begin,
                .p_stride = p.stride,
                .queries = queries,
                .v = v.data + keys.begin * v.stride,
                .v_stride = v.stride,
                .keys = keys.end - keys.begin,
                .d_head = shape.d_head,
                .z = z.data + first * z.stride,
                .z_stride = z.stride});
    }
  };
  // What all of them see is one block; each has keys of its own before it and after it.
  KeyRange all = {std::max(range.begin, visible_keys(shape, query + count - 1).begin),
                  std::min(range.end, visible_keys(shape, query).end)};
  if (all.begin >= all.end) {
    all = {range.end, range.end};
  }
  for (std::size_t i = 0; i < count; ++i) {
    const KeyRange own = visible_keys(shape, query + i);
    add(i, 1, {std::max(range.begin, own.begin), std::min({range.end, own.end, all.begin})});
  }
  add(0, count, all);
  for (std::size_t i = 0; i < count; ++i) {
    const KeyRange own = visible_keys(shape, query + i);
    add(i, 1, {std::max({range.begin, own.begin, all.end}), std::min(range.end, own.end)});
  }
}

/// z = p v for `queries`. Row 0 of `p` and `z` is the first of them.
void mix_head(const AttentionShape& shape, Queries queries, MatrixView<const float> p,
              MatrixView<const float> v, MatrixView<float> z) {
  const std::size_t count = queries.end - queries.begin;
  for (std::size_t i = 0; i < count; ++i) {
    std::fill_n(z.data + i * z.stride, shape.d_head, 0.0F);
  }
  const std::size_t first = visible_keys(shape, queries.begin).begin / kKeyBlock * kKeyBlock;
  const std::size_t last = visible_keys(shape, queries.end - 1).end;
  for (std::size_t key = first; key < last; key += kKeyBlock) {
    for (std::size_t i = 0; i < count;) {
      const std::size_t tile = count - i >= 4 ? 4 : 1;
      mix_queries(shape, queries.begin + i, tile, p.row_range(i, tile), v,
                  {key, std::min(key + kKeyBlock, last)}, z.row_range(i, tile));
      i += tile;
    }
  }
}

std::vector<float> floats_of(ConstMatRef row) {
  std::vector<float> floats(row ? row.cols : 0);
  if (row) {
    cpu::to_floats(row.dtype, row.data, row.cols, floats.data());
  }
  return floats;
}

/// How attend() is cut into units of work: by the shape alone.
struct Plan {
  Plan(const AttentionShape& shape, std::size_t queries, std::size_t keys)
      : padded_keys(cpu::round_up(keys, kKeyBlock)) {
    const std::size_t group = shape.heads / shape.kv_heads;
    heads = group;
    // Few key heads: their groups are divided, so that there is work for several threads.
    while (heads % 2 == 0 && shape.heads / heads < 8) {
      heads /= 2;
    }
    const std::size_t fitting = kScoreFloats / (heads * padded_keys) / 4 * 4;
    rows = std::min(queries, std::clamp<std::size_t>(fitting, 4, kMostQueries));
    row_blocks = (queries + rows - 1) / rows;
    units = shape.heads / heads * row_blocks;
  }

  std::size_t score_floats() const { return heads * rows * padded_keys; }

  std::size_t padded_keys;
  std::size_t heads = 1;       // heads of a unit; all read the same keys
  std::size_t rows = 1;        // queries of a unit
  std::size_t row_blocks = 1;  // units of the same heads
  std::size_t units = 1;
};

/// One attend(): its inputs, and what each unit of work does.
struct Attend {
  const AttentionShape& shape;
  const Plan& plan;
  MatrixView<const float> q, k, v;
  MatrixView<float> z;
  const std::vector<float>& sinks;

  void run(std::size_t unit, float* scratch) const {
    const std::size_t head = unit / plan.row_blocks * plan.heads;
    const std::size_t begin = unit % plan.row_blocks * plan.rows;
    const Queries queries = {begin, std::min(q.rows, begin + plan.rows)};
    float* keys = scratch + plan.score_floats();
    score_heads(head, queries, keys, scratch);
    for (std::size_t h = 0; h < plan.heads; ++h) {
      const MatrixView<float> pattern = {scratch + h * plan.rows * plan.padded_keys,
                                         queries.end - queries.begin, plan.padded_keys,
                                         plan.padded_keys};
      softmax_head(head + h, queries, pattern);
      mix_head(shape, queries, pattern, head_of(v, key_head(head)),
               head_of(z, head + h).row_range(queries.begin, pattern.rows));
    }
  }

 private:
  std::size_t key_head(std::size_t head) const { return head / (shape.heads / shape.kv_heads); }
  template <typename T>
  MatrixView<T> head_of(MatrixView<T> m, std::size_t head) const {
    return m.col_range(head * shape.d_head, shape.d_head);
  }

  void score_heads(std::size_t head, Queries queries, float* keys, float* scores) const {
    const std::size_t last = visible_keys(shape, queries.end - 1).end;
    const auto own = head_of(k, key_head(head));
    std::size_t key = visible_keys(shape, queries.begin).begin / kKeyBlock * kKeyBlock;
    for (; key < last; key += kKeyBlock) {
      cpu::transpose_keys(own.data + key * own.stride, own.stride, std::min(kKeyBlock, last - key),
                          shape.d_head, keys);
      const Queries some = looking_at(shape, queries, key);
      for (std::size_t h = 0; h < plan.heads && some.begin < some.end; ++h) {
        const std::size_t row = h * plan.rows + some.begin - queries.begin;
        score_block(shape, head_of(q, head + h), some, keys,
                    {scores + row * plan.padded_keys + key, 0, 0, plan.padded_keys});
      }
    }
  }

  void softmax_head(std::size_t head, Queries queries, MatrixView<float> pattern) const {
    for (std::size_t i = queries.begin; i < queries.end; ++i) {
      const KeyRange keys = visible_keys(shape, i);
      float* row = pattern.data + (i - queries.begin) * pattern.stride + keys.begin;
      cpu::softmax(row, keys.end - keys.begin, sinks.empty() ? nullptr : &sinks[head], row);
    }
  }
};

}  // namespace

void CpuBackend::attend(const AttentionShape& shape, ConstMatRef q, ConstMatRef k, ConstMatRef v,
                        MatRef z) {
  if (q.rows == 0) {
    return;
  }
  const Plan plan(shape, q.rows, k.rows);
  const std::vector<float> sinks = floats_of(shape.sinks);
  const Attend attend = {
      shape,         plan, q.as<const float>(), k.as<const float>(), v.as<const float>(),
      z.as<float>(), sinks};
  const std::size_t each = cpu::round_up(plan.score_floats() + shape.d_head * kKeyBlock, 16);
  float* scratch = scratch_.floats(each * static_cast<std::size_t>(threads()));
  parallel_for(plan.units, 1, [&](std::size_t begin, std::size_t end) {
    for (std::size_t unit = begin; unit < end; ++unit) {
      attend.run(unit, scratch + thread_index() * each);
    }
  });
}

void CpuBackend::attention_scores(const AttentionShape& shape, ConstMatRef q, ConstMatRef k,
                                  MatRef scores) {
  const auto out = scores.as<float>();
  const std::size_t group = shape.heads / shape.kv_heads;
  const std::size_t blocks = (k.rows + kKeyBlock - 1) / kKeyBlock;
  const std::size_t each = (shape.d_head + q.rows) * kKeyBlock;
  float* scratch = scratch_.floats(each * static_cast<std::size_t>(threads()));
  const auto run = [&](std::size_t head, std::size_t key, float* keys) {
    const std::size_t count = std::min(kKeyBlock, k.rows - key);
    const auto own = k.as<const float>().col_range(head / group * shape.d_head, shape.d_head);
    const auto queries = q.as<const float>().col_range(head * shape.d_head, shape.d_head);
    const Queries some = looking_at(shape, {0, q.rows}, key);
    float* block = keys + shape.d_head * kKeyBlock;
    cpu::transpose_keys(own.data + key * own.stride, own.stride, count, shape.d_head, keys);
    score_block(shape, queries, some, keys, {block, 0, 0, kKeyBlock});
    for (std::size_t i = 0; i < q.rows; ++i) {
      const KeyRange visible = visible_keys(shape, i);
      float* row = out.data + (head * q.rows + i) * out.stride + key;
      for (std::size_t j = 0; j < count; ++j) {
        const bool seen = key + j >= visible.begin && key + j < visible.end;
        row[j] = seen ? block[(i - some.begin) * kKeyBlock + j] : 0.0F;
      }
    }
  };
  parallel_for(shape.heads * blocks, 1, [&](std::size_t begin, std::size_t end) {
    for (std::size_t unit = begin; unit < end; ++unit) {
      run(unit / blocks, unit % blocks * kKeyBlock, scratch + thread_index() * each);
    }
  });
}

void CpuBackend::attention_probabilities(const AttentionShape& shape, ConstMatRef scores,
                                         MatRef probabilities) {
  const auto in = scores.as<const float>();
  const auto out = probabilities.as<float>();
  const std::vector<float> sinks = floats_of(shape.sinks);
  const std::size_t queries = in.rows / shape.heads;
  parallel_for(in.rows, 16, [&](std::size_t first, std::size_t last) {
    for (std::size_t r = first; r < last; ++r) {
      const KeyRange keys = visible_keys(shape, r % queries);
      float* row = out.data + r * out.stride;
      cpu::softmax(in.data + r * in.stride + keys.begin, keys.end - keys.begin,
                   sinks.empty() ? nullptr : &sinks[r / queries], row + keys.begin);
      std::fill(row, row + keys.begin, 0.0F);
      std::fill(row + keys.end, row + out.cols, 0.0F);
    }
  });
}

void CpuBackend::attention_mix(const AttentionShape& shape, ConstMatRef probabilities,
                               ConstMatRef v, MatRef z) {
  const auto pattern = probabilities.as<const float>();
  const auto out = z.as<float>();
  const std::size_t group = shape.heads / shape.kv_heads;
  const std::size_t blocks = (out.rows + kMostQueries - 1) / kMostQueries;
  parallel_for(shape.heads * blocks, 1, [&](std::size_t first, std::size_t last) {
    for (std::size_t unit = first; unit < last; ++unit) {
      const std::size_t head = unit / blocks;
      const std::size_t begin = unit % blocks * kMostQueries;
      const Queries queries = {begin, std::min(out.rows, begin + kMostQueries)};
      const std::size_t count = queries.end - begin;
      mix_head(shape, queries, pattern.row_range(head * out.rows + begin, count),
               v.as<const float>().col_range(head / group * shape.d_head, shape.d_head),
               out.col_range(head * shape.d_head, shape.d_head).row_range(begin, count));
    }
  });
}

}  // namespace cajal
