// What the checks of attention.cc and attention_vjp.cc have in common. Private to this folder.
#pragma once

#include <string_view>

#include "ops/backend.h"

namespace cajal::ops {

/// Throws InvalidArgument if heads, caps or sinks make no sense.
void check_attention(const Backend& backend, const AttentionShape& shape);
/// Throws InvalidArgument unless `m` has the columns of q or z.
void check_query_columns(const AttentionShape& shape, ConstMatRef m, std::string_view what);
/// Throws InvalidArgument unless `m` has the columns of k or v.
void check_key_columns(const AttentionShape& shape, ConstMatRef m, std::string_view what);
/// Scores or probabilities. Returns the number of queries. Throws InvalidArgument.
std::size_t check_pattern(const Backend& backend, const AttentionShape& shape, ConstMatRef m,
                          std::string_view what);

}  // namespace cajal::ops
