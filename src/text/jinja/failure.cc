#include "text/jinja/failure.h"

#include <utility>

namespace cajal::jinja {
namespace {

ErrorCode code_of(FailureKind kind) noexcept {
  switch (kind) {
    case FailureKind::Syntax:
      return ErrorCode::CorruptData;
    case FailureKind::Unsupported:
      return ErrorCode::Unsupported;
    case FailureKind::Limit:
      return ErrorCode::ResourceExhausted;
    case FailureKind::Assertion:
    case FailureKind::Runtime:
    case FailureKind::Raised:
    case FailureKind::Undefined:
    case FailureKind::Security:
    case FailureKind::Type:
    case FailureKind::Value:
    case FailureKind::ZeroDivision:
    case FailureKind::Overflow:
      return ErrorCode::InvalidArgument;
  }
  return ErrorCode::Internal;
}

}  // namespace

std::string_view name_of(FailureKind kind) noexcept {
  switch (kind) {
    case FailureKind::Syntax:
      return "TemplateSyntaxError";
    case FailureKind::Assertion:
      return "TemplateAssertionError";
    case FailureKind::Runtime:
      return "TemplateRuntimeError";
    case FailureKind::Raised:
      return "TemplateError";
    case FailureKind::Undefined:
      return "UndefinedError";
    case FailureKind::Security:
      return "SecurityError";
    case FailureKind::Type:
      return "TypeError";
    case FailureKind::Value:
      return "ValueError";
    case FailureKind::ZeroDivision:
      return "ZeroDivisionError";
    case FailureKind::Overflow:
      return "OverflowError";
    case FailureKind::Unsupported:
      return "unsupported";
    case FailureKind::Limit:
      return "limit";
  }
  return "";
}

TemplateFailure::TemplateFailure(FailureKind kind, std::string text, int line)
    : Error(code_of(kind), text), kind_(kind), line_(line), text_(std::move(text)) {}

TemplateFailure::TemplateFailure(FailureKind kind, std::string text, int line,
                                 const std::string& message)
    : Error(code_of(kind), message), kind_(kind), line_(line), text_(std::move(text)) {}

TemplateFailure TemplateFailure::located(std::string_view source, int line) const {
  const int place = line_ == 0 ? line : line_;
  const std::string kind_name =
      kind_ == FailureKind::Raised ? "the template says" : std::string(name_of(kind_));
  return {kind_, text_, place, fmt::format("{}, line {}: {}: {}", source, place, kind_name, text_)};
}

}  // namespace cajal::jinja
