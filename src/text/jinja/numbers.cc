#include "text/jinja/numbers.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "text/jinja/unicode.h"

namespace cajal::jinja {
namespace {

[[noreturn]] void fail_big() {
  raise(FailureKind::Limit, "an integer needs more than 127 bits");
}

Int checked_multiply(Int a, Int b) {
  Int out = 0;
  if (__builtin_mul_overflow(a, b, &out)) {
    fail_big();
  }
  return out;
}

Int checked_add(Int a, Int b) {
  Int out = 0;
  if (__builtin_add_overflow(a, b, &out)) {
    fail_big();
  }
  return out;
}

int digit_value(char c) noexcept {
  return c >= '0' && c <= '9'   ? c - '0'
         : c >= 'a' && c <= 'z' ? c - 'a' + 10
         : c >= 'A' && c <= 'Z' ? c - 'A' + 10
                                : 99;
}

Value int_power(Int base, Int exponent) {
  if (exponent < 0) {
    if (base == 0) {
      raise(FailureKind::ZeroDivision, "0.0 cannot be raised to a negative power");
    }
    return Value::real(std::pow(static_cast<double>(base), static_cast<double>(exponent)));
  }
  if (base == 0 || base == 1 || base == -1) {
    const bool one = exponent == 0 || base == 1 || (base == -1 && exponent % 2 == 0);
    return Value::integer(one ? 1 : base);
  }
  Int out = 1;
  for (Int i = 0; i < exponent; ++i) {
    out = checked_multiply(out, base);  // at most 127 rounds
  }
  return Value::integer(out);
}

Value compute_int(Arithmetic operation, Int a, Int b) {
  const bool divides = operation == Arithmetic::Divide || operation == Arithmetic::FloorDivide ||
                       operation == Arithmetic::Modulo;
  if (divides && b == 0) {
    raise(FailureKind::ZeroDivision, "{}",
          operation == Arithmetic::Divide ? "division by zero"
                                          : "integer division or modulo by zero");
  }
  if (divides && b == -1) {
    if (operation == Arithmetic::Modulo) {
      return Value::integer(0);
    }
    return operation == Arithmetic::Divide ? Value::real(-static_cast<double>(a))
                                           : Value::integer(checked_multiply(a, -1));
  }
  switch (operation) {
    case Arithmetic::Add:
      return Value::integer(checked_add(a, b));
    case Arithmetic::Subtract: {
      Int out = 0;
      if (__builtin_sub_overflow(a, b, &out)) {
        fail_big();
      }
      return Value::integer(out);
    }
    case Arithmetic::Multiply:
      return Value::integer(checked_multiply(a, b));
    case Arithmetic::Divide:
      return Value::real(static_cast<double>(a) / static_cast<double>(b));
    case Arithmetic::FloorDivide:
      return Value::integer(a / b - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0));
    case Arithmetic::Modulo:
      return Value::integer(a % b != 0 && (a < 0) != (b < 0) ? a % b + b : a % b);
    case Arithmetic::Power:
      return int_power(a, b);
  }
  return {};
}

double real_modulo(double a, double b) {
  double out = std::fmod(a, b);
  if (out != 0.0 && (out < 0.0) != (b < 0.0)) {
    out += b;
  }
  return out == 0.0 ? std::copysign(0.0, b) : out;
}

double real_floor_divide(double a, double b) {
  const double exact = (a - real_modulo(a, b)) / b;
  const double floor = std::floor(exact);
  return exact - floor > 0.5 ? floor + 1.0 : floor;
}

double real_power(double a, double b) {
  if (a == 0.0 && b < 0.0) {
    raise(FailureKind::ZeroDivision, "0.0 cannot be raised to a negative power");
  }
  const double out = std::pow(a, b);
  if (a < 0.0 && std::isnan(out) && !std::isnan(b)) {
    raise(FailureKind::Unsupported, "a power that is a complex number");
  }
  if (std::isinf(out) && std::isfinite(a) && std::isfinite(b)) {
    raise(FailureKind::Overflow, "(34, 'Numerical result out of range')");
  }
  return out;
}

double compute_real(Arithmetic operation, double a, double b) {
  const bool divides = operation == Arithmetic::Divide || operation == Arithmetic::FloorDivide ||
                       operation == Arithmetic::Modulo;
  if (divides && b == 0.0) {
    raise(FailureKind::ZeroDivision, "float division by zero");
  }
  switch (operation) {
    case Arithmetic::Add:
      return a + b;
    case Arithmetic::Subtract:
      return a - b;
    case Arithmetic::Multiply:
      return a * b;
    case Arithmetic::Divide:
      return a / b;
    case Arithmetic::FloorDivide:
      return real_floor_divide(a, b);
    case Arithmetic::Modulo:
      return real_modulo(a, b);
    case Arithmetic::Power:
      return real_power(a, b);
  }
  return 0.0;
}

/// Spaces around, and underscores between digits, gone; nullopt if an underscore stands elsewhere.
std::optional<std::string> bare_number(std::string_view text) {
  text = strip_right(strip_left(text));
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') {
      out += text[i];
    } else if (i == 0 || i + 1 == text.size() || digit_value(text[i - 1]) > 35 ||
               digit_value(text[i + 1]) > 35) {
      return std::nullopt;
    }
  }
  return out;
}

}  // namespace

std::string_view symbol_of(Arithmetic operation) noexcept {
  constexpr std::string_view kSymbols[] = {"+", "-", "*", "/", "//", "%", "** or pow()"};
  return kSymbols[static_cast<std::size_t>(operation)];
}

Int int_from(std::string_view digits, int base) {
  Int out = 0;
  for (const char c : digits) {
    out = checked_add(checked_multiply(out, base), digit_value(c));
  }
  return out;
}

std::optional<Int> int_from_text(std::string_view text, int base) {
  const std::optional<std::string> bare = bare_number(text);
  if (!bare) {
    return std::nullopt;
  }
  std::string_view digits = *bare;
  const bool negative = digits.starts_with('-');
  if (negative || digits.starts_with('+')) {
    digits.remove_prefix(1);
  }
  const char prefix = base == 2 ? 'b' : base == 8 ? 'o' : base == 16 ? 'x' : '\0';
  if (prefix != '\0' && digits.size() > 2 && digits[0] == '0' && (digits[1] | 0x20) == prefix) {
    digits.remove_prefix(2);
  }
  const auto fits = [base](char c) { return digit_value(c) < base; };
  if (digits.empty() || !std::ranges::all_of(digits, fits)) {
    return std::nullopt;
  }
  return int_from(digits, base) * (negative ? -1 : 1);
}

std::optional<double> real_from_text(std::string_view text) {
  const std::optional<std::string> bare = bare_number(text);
  if (!bare) {
    return std::nullopt;
  }
  std::string_view body = *bare;
  const bool negative = body.starts_with('-');
  if (negative || body.starts_with('+')) {
    body.remove_prefix(1);
  }
  if (body.empty() || body[0] == '-' || body[0] == '+') {
    return std::nullopt;
  }
  double out = 0.0;
  const auto [end, error] = std::from_chars(body.data(), body.data() + body.size(), out);
  if (end != body.data() + body.size() || body.ends_with(')') ||
      error == std::errc::invalid_argument) {
    return std::nullopt;
  }
  if (error == std::errc::result_out_of_range) {
    out = real_from(std::string(body));
  }
  return negative ? -out : out;
}

double real_from(const std::string& literal) {
  double out = 0.0;
  const auto result = std::from_chars(literal.data(), literal.data() + literal.size(), out);
  if (result.ec == std::errc::result_out_of_range) {
    // Too large is infinity, too small is zero, as in Python; from_chars tells neither.
    const auto e = literal.find_first_of("eE");
    return e != literal.npos && literal.substr(e + 1).starts_with('-') ? 0.0 : HUGE_VAL;
  }
  return out;
}

std::string print_int(Int x) {
  __extension__ typedef unsigned __int128 Unsigned;
  auto rest = x < 0 ? Unsigned{0} - static_cast<Unsigned>(x) : static_cast<Unsigned>(x);
  std::string out;
  do {
    out += static_cast<char>('0' + static_cast<int>(rest % 10));
    rest /= 10;
  } while (rest != 0);
  if (x < 0) {
    out += '-';
  }
  std::ranges::reverse(out);
  return out;
}

std::string print_real(double x) {
  if (std::isnan(x)) {
    return "nan";
  }
  if (std::isinf(x)) {
    return x < 0 ? "-inf" : "inf";
  }
  std::string out = fmt::format("{}", x);
  if (out.find_first_of(".e") == out.npos) {
    out += ".0";
  }
  return out;
}

Value compute(Arithmetic operation, const Value& a, const Value& b) {
  if (a.is_integral() && b.is_integral()) {
    return compute_int(operation, a.as_int(), b.as_int());
  }
  return Value::real(compute_real(operation, a.as_real(), b.as_real()));
}

Value negated(const Value& x) {
  if (x.is_real()) {
    return Value::real(-x.as_real());
  }
  return Value::integer(checked_multiply(x.as_int(), -1));
}

Int truncated(double x) {
  if (std::isnan(x)) {
    raise(FailureKind::Value, "cannot convert float NaN to integer");
  }
  if (std::isinf(x)) {
    raise(FailureKind::Overflow, "cannot convert float infinity to integer");
  }
  if (std::abs(x) >= 0x1p126) {
    fail_big();
  }
  return static_cast<Int>(x);
}

double rounded(double x, int digits) {
  if (!std::isfinite(x) || digits > 300) {
    return x;
  }
  if (digits < 0) {
    const double unit = std::pow(10.0, -digits);
    return std::isfinite(unit) ? std::nearbyint(x / unit) * unit : std::copysign(0.0, x);
  }
  // Printing with that many digits rounds the exact value, ties to even.
  return real_from_text(fmt::format("{:.{}f}", x, digits)).value_or(x);
}

}  // namespace cajal::jinja
