// Tokens into a tree. Precedence, from loose to tight: `a if b else c`, or, and, not, comparisons
// and `in`, + -, ~, * / // %, **, sign, postfix, then filters and tests.
#pragma once

#include <string_view>

#include "text/jinja/ast.h"

namespace cajal::jinja {

/// Raises Syntax, and Unsupported for tags of Jinja that are not supported here (include, block,
/// ...); nesting beyond kMaxSyntaxDepth is a Limit failure. `source` must be valid UTF-8.
Body parse_template(std::string_view source);

inline constexpr int kMaxSyntaxDepth = 120;

}  // namespace cajal::jinja
