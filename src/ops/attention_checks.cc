#include "ops/attention_checks.h"

#include <cmath>

#include "ops/checks.h"

namespace cajal::ops {

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

void check_query_columns(const AttentionShape& shape, ConstMatRef m, std::string_view what) {
  check(m.cols % shape.heads == 0 && m.cols / shape.heads == shape.d_head,
        "{} has {} columns, not {} heads of {}", what, m.cols, shape.heads, shape.d_head);
}

void check_key_columns(const AttentionShape& shape, ConstMatRef m, std::string_view what) {
  check(m.cols % shape.kv_heads == 0 && m.cols / shape.kv_heads == shape.d_head,
        "{} has {} columns, not {} heads of {}", what, m.cols, shape.kv_heads, shape.d_head);
}

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

}  // namespace cajal::ops
