// Python's two ways to put values into text: 'a %d' % x and 'a {}'.format(x).
#pragma once

#include "text/jinja/value.h"

namespace cajal::jinja {

/// format % values. Raises Type and Value as Python does, Unsupported for rare conversions.
Value format_percent(Evaluator& evaluator, const Value& format, const Value& values);
/// format.format(...).
Value format_braces(Evaluator& evaluator, const Value& format, const Arguments& arguments);

}  // namespace cajal::jinja
