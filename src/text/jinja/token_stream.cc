#include "text/jinja/token_stream.h"

#include "text/jinja/parser.h"

namespace cajal::jinja {

void TokenStream::fail_expected(std::string_view called) const {
  if (at(TokenKind::End)) {
    fail_syntax(fmt::format("unexpected end of template, expected '{}'.", called));
  }
  fail_syntax(fmt::format("expected token '{}', got '{}'", called, describe(current())));
}

Token TokenStream::expect(TokenKind kind, std::string_view called) {
  if (!at(kind)) {
    fail_expected(called);
  }
  return take();
}

void TokenStream::expect_operator(std::string_view text) {
  if (!take_operator(text)) {
    fail_expected(text);
  }
}

void TokenStream::expect_name(std::string_view text) {
  if (!take_name(text)) {
    fail_expected(text);
  }
}

SyntaxLevel::SyntaxLevel(int& depth, int line) : depth_(depth) {
  if (depth_ >= kMaxSyntaxDepth) {
    throw TemplateFailure(
        FailureKind::Limit,
        fmt::format("the template is nested more than {} levels deep", kMaxSyntaxDepth), line);
  }
  ++depth_;
}

void check_height(int height, int line) {
  if (height > kMaxHeight) {
    throw TemplateFailure(
        FailureKind::Limit,
        fmt::format("an expression has more than {} operators in one another", kMaxHeight), line);
  }
}

}  // namespace cajal::jinja
