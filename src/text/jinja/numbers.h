// Numbers as Python reads, prints and computes them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "text/jinja/budget.h"
#include "text/jinja/value.h"

namespace cajal::jinja {

/// Digits of the base, not empty. Raises Limit beyond 127 bits.
Int int_from(std::string_view digits, int base);
/// What Python's int(text, base) takes (spaces, sign, underscores); nullopt where it raises.
std::optional<Int> int_from_text(std::string_view text, int base);
/// What Python's float(text) takes; nullopt where it raises.
std::optional<double> real_from_text(std::string_view text);
/// A literal such as "1.5e3".
double real_from(const std::string& literal);

std::string print_int(Int x);
/// Shortest text that reads back the same, as Python's repr: 1.0, 1e+20, nan.
std::string print_real(double x);

enum class Arithmetic : std::uint8_t {
  Add,
  Subtract,
  Multiply,
  Divide,
  FloorDivide,
  Modulo,
  Power
};
std::string_view symbol_of(Arithmetic operation) noexcept;

/// Both must be numbers. Raises ZeroDivision, and Limit where an integer passes 127 bits.
Value compute(Arithmetic operation, const Value& a, const Value& b);
Value negated(const Value& x);

/// int(x) of a float: raises Value for NaN, Overflow for infinities, Limit beyond 127 bits.
Int truncated(double x);
/// Python's round(x, digits) of a float: exact decimal value, ties to even.
double rounded(double x, int digits);

}  // namespace cajal::jinja
