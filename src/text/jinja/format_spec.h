// One conversion of a format string: flags, width, precision, type.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "text/jinja/value.h"

namespace cajal::jinja {

struct FormatSpec {
  char32_t fill = U' ';
  char align = '\0';  // < > ^ = or none given
  char sign = '-';    // - + or space
  bool alternate = false;
  char grouping = '\0';  // , or _
  std::size_t width = 0;
  std::optional<std::size_t> precision;
  char type = '\0';
};

/// Python's format specification, such as ">8.2f". Raises Value if it is none.
FormatSpec parse_format_spec(std::string_view text);
/// Takes digits off the front of `text`; raises Limit beyond 10000.
std::size_t take_number(std::string_view& text);

std::string format_int(const FormatSpec& spec, Int x);
std::string format_real(const FormatSpec& spec, double x);
/// Cut to the precision and padded.
std::string format_text(const FormatSpec& spec, std::string_view text);

}  // namespace cajal::jinja
