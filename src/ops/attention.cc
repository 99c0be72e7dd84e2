#include "ops/attention.h"

#include "ops/attention_checks.h"
#include "ops/backend.h"
#include "ops/checks.h"

namespace cajal::ops {
namespace {

/// q or z.
void check_queries(const Backend& backend, const AttentionShape& shape, ConstMatRef m,
                   std::string_view what) {
  check_activations(backend, m, what);
  check_query_columns(shape, m, what);
}

/// k or v.
void check_keys(const Backend& backend, const AttentionShape& shape, std::size_t queries,
                ConstMatRef m, std::string_view what) {
  check_activations(backend, m, what);
  check_key_columns(shape, m, what);
  check(m.rows >= queries && m.rows - queries == shape.first,
        "{} has {} rows, not {} before the queries and {} for them", what, m.rows, shape.first,
        queries);
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
