// x.name, x[index], x[a:b:c], with the reference's order: a dot looks for methods first, brackets
// for items first.
#pragma once

#include <string_view>

#include "text/jinja/value.h"

namespace cajal::jinja {

/// An undefined value if there is none. Raises if x is undefined itself.
Value attribute_of(Evaluator& evaluator, const Value& x, std::string_view name);
Value item_of(Evaluator& evaluator, const Value& x, const Value& index);
/// Each bound may be none. Raises Type.
Value slice_of(Evaluator& evaluator, const Value& x, const Value& start, const Value& stop,
               const Value& step);
/// "a.b.0" as in map(attribute=...); `fallback` replaces what is undefined, unless it is null.
Value path_of(Evaluator& evaluator, const Value& x, const Value& path, const Value* fallback);

}  // namespace cajal::jinja
