// Literals of the template language: what stands between quotes, and numbers.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "text/jinja/value.h"

namespace cajal::jinja {

/// "\r\n" and "\r" become "\n".
std::string with_unix_newlines(std::string_view text);

/// Python's escapes resolved. Raises Syntax for a cut-off escape, Unsupported for \N{...} and for
/// surrogates, which no UTF-8 text can hold.
std::string unescape_string(std::string_view body);

struct NumberLiteral {
  Value value;
  std::size_t length = 0;
};

/// The longest number at the start of `text`, which begins with a digit. After a dot there are
/// only integers, so that `x.0.1` is two items.
NumberLiteral parse_number(std::string_view text, bool after_dot);

}  // namespace cajal::jinja
