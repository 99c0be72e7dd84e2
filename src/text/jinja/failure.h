// How a template fails: a cajal::Error that also knows the kind (Python's and Jinja's name for it)
// and the line of the template.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace cajal::jinja {

enum class FailureKind : std::uint8_t {
  Syntax,        // TemplateSyntaxError
  Assertion,     // TemplateAssertionError: no such filter or test
  Runtime,       // TemplateRuntimeError
  Raised,        // TemplateError: the template called raise_exception
  Undefined,     // UndefinedError
  Security,      // SecurityError: what the reference's sandbox forbids
  Type,          // TypeError
  Value,         // ValueError
  ZeroDivision,  // ZeroDivisionError
  Overflow,      // OverflowError
  Unsupported,   // valid for the reference, but outside the language that is supported here
  Limit,         // too deep, too long or too large
};

/// The reference's name of the kind, such as "TypeError".
std::string_view name_of(FailureKind kind) noexcept;

class TemplateFailure : public Error {
 public:
  /// `line` 0: not known yet.
  TemplateFailure(FailureKind kind, std::string text, int line = 0);
  FailureKind kind() const noexcept { return kind_; }
  int line() const noexcept { return line_; }
  /// What went wrong, without place and kind; for Raised the template's own words.
  const std::string& text() const noexcept { return text_; }
  /// The same failure with a message that names `source` and the line.
  TemplateFailure located(std::string_view source, int line) const;

 private:
  TemplateFailure(FailureKind kind, std::string text, int line, const std::string& message);

  FailureKind kind_;
  int line_;
  std::string text_;
};

template <typename... Args>
[[noreturn]] void raise(FailureKind kind, fmt::format_string<Args...> format, Args&&... args) {
  throw TemplateFailure(kind, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace cajal::jinja
