// What Python does with values: printing, comparing, adding, iterating. All work is charged to the
// evaluator's budget.
#pragma once

#include <string>
#include <string_view>

#include "text/jinja/ast.h"
#include "text/jinja/value.h"

namespace cajal::jinja {

/// str(x): what {{ x }} writes; nothing for an undefined value.
std::string to_text(Evaluator& evaluator, const Value& x);
/// repr(x): strings in quotes, None, True, 1.0, ['a'].
std::string repr(Evaluator& evaluator, const Value& x);
std::string repr_text(std::string_view text);

bool equal(Evaluator& evaluator, const Value& a, const Value& b);
/// a < b; raises Type where Python cannot order them.
bool less(Evaluator& evaluator, const Value& a, const Value& b);
bool compare(Evaluator& evaluator, Comparison operation, const Value& a, const Value& b);
/// item in container.
bool contains(Evaluator& evaluator, const Value& container, const Value& item);

Value arithmetic(Evaluator& evaluator, Arithmetic operation, const Value& a, const Value& b);
Value signed_value(const Value& x, bool negative);

/// len(x). Raises Type.
std::size_t length_of(const Value& x);
bool iterable(const Value& x) noexcept;
/// list(x); takes what is left of a one-shot iterator. Raises Type.
Values items_of(Evaluator& evaluator, const Value& x);

/// Raises Undefined (or what the value says) if x is undefined.
void need_defined(const Value& x);
/// HTML's special characters as entities.
std::string escaped(std::string_view text);

}  // namespace cajal::jinja
