#include "text/jinja/format_spec.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "base/utf8.h"
#include "text/jinja/numbers.h"
#include "text/jinja/unicode.h"

namespace cajal::jinja {
namespace {

constexpr std::size_t kMaxWidth = 10'000;
constexpr std::string_view kAligns = "<>^=";

bool take(std::string_view& text, char c) {
  if (!text.starts_with(c)) {
    return false;
  }
  text.remove_prefix(1);
  return true;
}

bool take_align(std::string_view& text, FormatSpec& spec) {
  if (text.empty() || kAligns.find(text[0]) == kAligns.npos) {
    return false;
  }
  spec.align = text[0];
  text.remove_prefix(1);
  return true;
}

std::string padded(const FormatSpec& spec, std::string_view prefix, std::string_view body,
                   char default_align) {
  const std::size_t points = count_code_points(prefix) + count_code_points(body);
  const std::size_t missing = spec.width > points ? spec.width - points : 0;
  const char align = spec.align == '\0' ? default_align : spec.align;
  const std::size_t before = align == '>' ? missing : align == '^' ? missing / 2 : 0;
  std::string fill;
  append_utf8(fill, spec.fill);
  const auto times = [&fill](std::size_t count) {
    std::string out;
    for (std::size_t i = 0; i < count; ++i) {
      out += fill;
    }
    return out;
  };
  if (align == '=') {
    return std::string(prefix) + times(missing) + std::string(body);
  }
  return times(before) + std::string(prefix) + std::string(body) + times(missing - before);
}

std::string grouped(std::string digits, char separator) {
  const std::size_t end = std::min(digits.find_first_not_of("0123456789"), digits.size());
  for (std::size_t i = end; i > 3; i -= 3) {
    digits.insert(i - 3, 1, separator);
  }
  return digits;
}

std::string sign_of(const FormatSpec& spec, bool negative) {
  return negative ? "-" : spec.sign == '-' ? "" : std::string(1, spec.sign);
}

std::string int_digits(const FormatSpec& spec, Int magnitude) {
  switch (spec.type) {
    case 'x':
      return fmt::format("{:x}", magnitude);
    case 'X':
      return fmt::format("{:X}", magnitude);
    case 'o':
      return fmt::format("{:o}", magnitude);
    case 'b':
      return fmt::format("{:b}", magnitude);
    default:
      return print_int(magnitude);
  }
}

}  // namespace

std::size_t take_number(std::string_view& text) {
  std::size_t out = 0;
  while (!text.empty() && text[0] >= '0' && text[0] <= '9') {
    out = out * 10 + static_cast<std::size_t>(text[0] - '0');
    text.remove_prefix(1);
    if (out > kMaxWidth) {
      raise(FailureKind::Limit, "a width or precision of more than {}", kMaxWidth);
    }
  }
  return out;
}

FormatSpec parse_format_spec(std::string_view text) {
  FormatSpec spec;
  const std::size_t first = text.empty() ? 0 : decode_utf8(text).length;
  if (text.size() > first && kAligns.find(text[first]) != kAligns.npos) {
    spec.fill = decode_utf8(text).value;
    text.remove_prefix(first);
  }
  take_align(text, spec);
  if (!text.empty() && std::string_view("+- ").find(text[0]) != std::string_view::npos) {
    spec.sign = text[0];
    text.remove_prefix(1);
  }
  spec.alternate = take(text, '#');
  if (text.starts_with('0') && spec.align == '\0') {
    spec.fill = U'0';
    spec.align = '=';
  }
  spec.width = take_number(text);
  if (text.starts_with(',') || text.starts_with('_')) {
    spec.grouping = text[0];
    text.remove_prefix(1);
  }
  if (take(text, '.')) {
    if (text.empty() || text[0] < '0' || text[0] > '9') {
      raise(FailureKind::Value, "Format specifier missing precision");
    }
    spec.precision = take_number(text);
  }
  if (text.size() == 1) {
    spec.type = text[0];
  } else if (!text.empty()) {
    raise(FailureKind::Value, "Invalid format specifier");
  }
  return spec;
}

std::string format_int(const FormatSpec& spec, Int x) {
  if (spec.type != '\0' && std::string_view("dxXob").find(spec.type) == std::string_view::npos) {
    return format_real(spec, static_cast<double>(x));
  }
  if (x == std::numeric_limits<Int>::min()) {
    raise(FailureKind::Limit, "an integer needs more than 127 bits");
  }
  std::string digits = int_digits(spec, x < 0 ? -x : x);
  if (spec.grouping != '\0') {
    if (spec.fill == U'0' || int_digits(spec, 9) != "9") {
      raise(FailureKind::Unsupported, "grouping of padded or non-decimal digits");
    }
    digits = grouped(std::move(digits), spec.grouping);
  }
  if (spec.precision && digits.size() < *spec.precision) {
    digits.insert(0, *spec.precision - digits.size(), '0');
  }
  std::string prefix = sign_of(spec, x < 0);
  if (spec.alternate && spec.type != 'd' && spec.type != '\0') {
    prefix += std::string("0") + spec.type;
  }
  return padded(spec, prefix, digits, '>');
}

/// Without a sign and without grouping.
std::string digits_of(const FormatSpec& spec, double magnitude) {
  const int precision = static_cast<int>(spec.precision.value_or(6));
  switch (spec.type) {
    case '\0':
      if (spec.precision) {
        raise(FailureKind::Unsupported, "a precision without a type for a number");
      }
      return print_real(magnitude);
    case 'f':
    case 'F':
      return fmt::format("{:.{}f}", magnitude, precision);
    case 'e':
      return fmt::format("{:.{}e}", magnitude, precision);
    case 'E':
      return fmt::format("{:.{}E}", magnitude, precision);
    case 'g':
      return fmt::format("{:.{}g}", magnitude, std::max(precision, 1));
    case 'G':
      return fmt::format("{:.{}G}", magnitude, std::max(precision, 1));
    case '%':
      return fmt::format("{:.{}f}%", magnitude * 100, precision);
    default:
      raise(FailureKind::Value, "Unknown format code '{}' for object of type 'float'", spec.type);
  }
}

std::string format_real(const FormatSpec& spec, double x) {
  std::string body = digits_of(spec, std::abs(x));
  if (spec.alternate) {
    raise(FailureKind::Unsupported, "the flag # for a float");
  }
  if (spec.grouping != '\0') {
    if (spec.fill == U'0') {
      raise(FailureKind::Unsupported, "grouping of padded digits");
    }
    body = grouped(std::move(body), spec.grouping);
  }
  return padded(spec, sign_of(spec, std::signbit(x) && !std::isnan(x)), body, '>');
}

std::string format_text(const FormatSpec& spec, std::string_view text) {
  if (spec.precision) {
    text = text.substr(0, offset_of(text, *spec.precision));
  }
  return padded(spec, "", text, '<');
}

}  // namespace cajal::jinja
