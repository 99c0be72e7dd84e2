#include "ops/attention.h"

#include <cmath>

#include "ops/backend.h"
#include "ops/checks.h"

namespace cajal::ops {
namespace {

void check_attention(const Backend& backend, const AttentionShape& shape) {
  check(shape.heads != 0 && shape.kv_heads != 0 && shape.heads % shape.kv_heads == 0,
        "attention: {} heads cannot share {} key heads", shape.heads, shape.kv_heads);
  check(shape.d_head != 0, "attention: heads of no columns");
  check(shape.soft_cap >= 0 && std::isfinite(shape.soft_cap), "attention: soft cap {} is negative",
        shape.soft_cap);
  if (shape.sinks) {
    check_floats(backend, shape.sinks, "attention: sinks");
    check_shape(shape.sinks, 1, shape.heads, "attention: sinks");
  }
}

/// q or z.
void check_queries(const Backend& backend, const AttentionShape& shape, ConstMatRef m,
                   std::string_view what) {
  check_activations(backend, m, what);
  check(m.cols % shape.heads == 0 && m.cols / shape.heads == shape.d_head,
        "{} has {} columns, not {} heads of {}", what, m.cols, shape.heads, shape.d_head);
}

/// k or v.
void check_keys(const Backend& backend, const AttentionShape& shape, std::size_t queries,
                ConstMatRef m, std::string_view what) {
  check_activations(backend, m, what);
  check(m.cols % shape.kv_heads == 0 && m.cols / shape.kv_heads == shape.d_head,
        "{} has {} columns, not {} heads of {}", what, m.cols, shape.kv_heads, shape.d_head);
  check(m.rows >= queries && m.rows - queries == shape.first,
        "{} has {} rows, not {} before the queries and {} for them", what, m.rows, shape.first,
        queries);
}

/// Scores or probabilities. Returns the number of queries.
std::size_t check_pattern(const Backend& backend, const AttentionShape& shape, ConstMatRef m,
                          std::string_view what) {
  check_activations(backend, m, what);
  check(m.rows % shape.heads == 0, "{} has {} rows, not a multiple of {} heads", what, m.rows,
        shape.heads);
  const std::size_t queries = m.rows / shape.heads;
  check(m.cols >= queries && m.cols - queries == shape.first,
        "{} has {} columns, not {} before the queries and {} for them", what, m.cols, shape.first,
        queries);
  return queries;
}

}  // namespace

void attend(Backend& backend, const AttentionShape& shape, ConstMatRef q, ConstMatRef k,
            ConstMatRef v, MatRef z) {
  check_attention(backend, shape);
  check_queries(backend, shape, q, "attend: q");
  check_keys(backend, shape, q.rows, k, "attend: k");
  check_keys(backend, shape, q.rows, v, "attend: v");
  check_activations(backend, z, "attend: z");
  check_shape(z, q.rows, q.cols, "attend: z");
  backend.attend(shape, q, k, v, z);
}

void attention_scores(Backend& backend, const AttentionShape& shape, ConstMatRef q, ConstMatRef k,
                      MatRef scores) {
  check_attention(backend, shape);
  check_queries(backend, shape, q, "attention_scores: q");
  check_keys(backend, shape, q.rows, k, "attention_scores: k");
  const std::size_t queries = check_pattern(backend, shape, scores, "attention_scores: scores");
  check(queries == q.rows, "attention_scores: scores of {} queries for q of {}", queries, q.rows);
  backend.attention_scores(shape, q, k, scores);
}

void attention_probabilities(Backend& backend, const AttentionShape& shape, ConstMatRef scores,
                             MatRef probabilities) {
  check_attention(backend, shape);
  check_pattern(backend, shape, scores, "attention_probabilities: scores");
  check_activations(backend, probabilities, "attention_probabilities: probabilities");
  check_shape(probabilities, scores.rows, scores.cols, "attention_probabilities: probabilities");
  backend.attention_probabilities(shape, scores, probabilities);
}

void attention_mix(Backend& backend, const AttentionShape& shape, ConstMatRef probabilities,
                   ConstMatRef v, MatRef z) {
  check_attention(backend, shape);
  const std::size_t queries =
      check_pattern(backend, shape, probabilities, "attention_mix: probabilities");
  check_keys(backend, shape, queries, v, "attention_mix: v");
  check_queries(backend, shape, z, "attention_mix: z");
  check(z.rows == queries, "attention_mix: probabilities of {} queries for z of {}", queries,
        z.rows);
  backend.attention_mix(shape, probabilities, v, z);
}

}  // namespace cajal::ops
