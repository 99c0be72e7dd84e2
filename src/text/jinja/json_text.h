// The `tojson` filter: json.dumps of Python, whose spacing and number format reach the prompt.
#pragma once

#include <string>

#include "text/jinja/value.h"

namespace cajal::jinja {

struct JsonStyle {
  bool ascii_only = false;
  bool sort_keys = false;
  bool pretty = false;  // on lines of their own, `indent` before each level
  std::string indent;
  std::string between = ", ";  // "," when pretty
  std::string after_key = ": ";
};

/// Raises Type for what JSON cannot hold (undefined values, functions).
std::string json_text(Evaluator& evaluator, const Value& x, const JsonStyle& style);

}  // namespace cajal::jinja
