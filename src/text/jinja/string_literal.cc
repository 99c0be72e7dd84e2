#include "text/jinja/string_literal.h"

#include <algorithm>
#include <charconv>

#include "base/utf8.h"
#include "text/jinja/numbers.h"

namespace cajal::jinja {

std::string with_unix_newlines(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\r') {
      out += '\n';
      i += i + 1 < text.size() && text[i + 1] == '\n' ? 1U : 0U;
    } else {
      out += text[i];
    }
  }
  return out;
}

namespace {

class Unescaper {
 public:
  explicit Unescaper(std::string_view body) : rest_(body) {}

  std::string run() {
    while (!rest_.empty()) {
      const char c = rest_[0];
      rest_.remove_prefix(1);
      if (c == '\\') {
        escape();
      } else {
        out_ += c;
      }
    }
    return std::move(out_);
  }

 private:
  void escape() {
    constexpr std::string_view kNames = "\\'\"abfnrtv";
    constexpr std::string_view kBytes = "\\'\"\a\b\f\n\r\t\v";
    const char c = rest_.empty() ? '\0' : rest_[0];
    if (const auto i = kNames.find(c); i != kNames.npos && c != '\0') {
      out_ += kBytes[i];
      rest_.remove_prefix(1);
    } else if (c == '\n') {
      rest_.remove_prefix(1);  // a line that goes on
    } else if (c >= '0' && c <= '7') {
      octal();
    } else if (c == 'x' || c == 'u' || c == 'U') {
      hexadecimal(c);
    } else if (c == 'N') {
      raise(FailureKind::Unsupported, "\\N{{...}} in a string");
    } else {
      unknown(c);
    }
  }

  /// The backslash stays. The reference writes other characters than ASCII as escapes first, so
  /// that behind a backslash they come out as those letters.
  void unknown(char c) {
    out_ += '\\';
    if (static_cast<unsigned char>(c) < 0x80) {
      return;
    }
    const CodePoint point = decode_utf8(rest_);
    const auto value = static_cast<std::uint32_t>(point.value);
    out_ += value < 0x100     ? fmt::format("x{:02x}", value)
            : value < 0x10000 ? fmt::format("u{:04x}", value)
                              : fmt::format("U{:08x}", value);
    rest_.remove_prefix(point.length);
  }

  void octal() {
    std::uint32_t value = 0;
    for (int i = 0; i < 3 && !rest_.empty() && rest_[0] >= '0' && rest_[0] <= '7'; ++i) {
      value = value * 8 + static_cast<std::uint32_t>(rest_[0] - '0');
      rest_.remove_prefix(1);
    }
    append_utf8(out_, value);
  }

  void hexadecimal(char kind) {
    const std::size_t digits = kind == 'x' ? 2 : kind == 'u' ? 4 : 8;
    const std::string_view text = rest_.substr(1, digits);
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
    if (text.size() != digits || error != std::errc() || end != text.data() + digits) {
      raise(FailureKind::Syntax, "truncated \\{} escape in a string", kind);
    }
    if (value > 0x10FFFF) {
      raise(FailureKind::Syntax, "illegal Unicode character in a string");
    }
    if (value >= 0xD800 && value <= 0xDFFF) {
      raise(FailureKind::Unsupported, "half of a surrogate pair in a string");
    }
    append_utf8(out_, value);
    rest_.remove_prefix(1 + digits);
  }

  std::string_view rest_;
  std::string out_;
};

bool is_digit_of(char c, int base) noexcept {
  const int value = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : 99;
  return value < base;
}

/// Length of digits with single underscores between them (or before them) at the start of `text`.
std::size_t digits_length(std::string_view text, int base, bool may_start_with_underscore) {
  std::size_t n = 0;
  while (n < text.size()) {
    if (is_digit_of(text[n], base)) {
      ++n;
    } else if (text[n] == '_' && (n > 0 || may_start_with_underscore) && n + 1 < text.size() &&
               is_digit_of(text[n + 1], base)) {
      n += 2;
    } else {
      break;
    }
  }
  return n;
}

std::string without_underscores(std::string_view text) {
  std::string out(text);
  std::erase(out, '_');
  return out;
}

std::size_t exponent_length(std::string_view text) {
  if (text.empty() || (text[0] != 'e' && text[0] != 'E')) {
    return 0;
  }
  const std::size_t sign = text.size() > 1 && (text[1] == '+' || text[1] == '-') ? 2 : 1;
  const std::size_t digits = digits_length(text.substr(sign), 10, false);
  return digits == 0 ? 0 : sign + digits;
}

/// 0 if what starts here is no float.
std::size_t float_length(std::string_view text) {
  const std::size_t whole = digits_length(text, 10, false);
  std::size_t fraction = 0;
  if (whole < text.size() && text[whole] == '.') {
    const std::size_t digits = digits_length(text.substr(whole + 1), 10, false);
    fraction = digits == 0 ? 0 : digits + 1;
  }
  const std::size_t exponent = exponent_length(text.substr(whole + fraction));
  return fraction + exponent == 0 ? 0 : whole + fraction + exponent;
}

}  // namespace

std::string unescape_string(std::string_view body) {
  return Unescaper(body).run();
}

NumberLiteral parse_number(std::string_view text, bool after_dot) {
  if (const std::size_t length = after_dot ? 0 : float_length(text); length > 0) {
    return {Value::real(real_from(without_underscores(text.substr(0, length)))), length};
  }
  constexpr std::string_view kPrefixes = "bBoOxX";
  constexpr int kBases[] = {2, 2, 8, 8, 16, 16};
  if (text.size() > 1 && text[0] == '0') {
    if (const auto i = kPrefixes.find(text[1]); i != kPrefixes.npos) {
      if (const auto n = digits_length(text.substr(2), kBases[i], true); n > 0) {
        return {Value::integer(int_from(without_underscores(text.substr(2, n)), kBases[i])), n + 2};
      }
    }
    std::size_t zeros = 1;
    while (
        zeros < text.size() &&
        (text[zeros] == '0' || (text[zeros] == '_' && text.substr(zeros + 1).starts_with('0')))) {
      ++zeros;
    }
    return {Value::integer(0), zeros};
  }
  const std::size_t length = text[0] == '0' ? 1 : digits_length(text, 10, false);
  return {Value::integer(int_from(without_underscores(text.substr(0, length)), 10)), length};
}

}  // namespace cajal::jinja
