// What both halves of the parser stand on: the tokens, and how deep the tree is.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text/jinja/ast.h"
#include "text/jinja/ast_children.h"
#include "text/jinja/lexer.h"

namespace cajal::jinja {

class TokenStream {
 public:
  explicit TokenStream(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  const Token& current() const { return tokens_[at_]; }
  const Token& next() const { return tokens_[at_ + 1 < tokens_.size() ? at_ + 1 : at_]; }
  Token take() {
    Token out = tokens_[at_];
    at_ += at_ + 1 < tokens_.size() ? 1U : 0U;
    return out;
  }
  bool at(TokenKind kind) const { return current().kind == kind; }
  bool at_operator(std::string_view text) const {
    return at(TokenKind::Operator) && current().text == text;
  }
  bool at_name(std::string_view text) const {
    return at(TokenKind::Name) && current().text == text;
  }
  bool at_any_name(std::initializer_list<std::string_view> names) const {
    for (const std::string_view name : names) {
      if (at_name(name)) {
        return true;
      }
    }
    return false;
  }
  bool take_operator(std::string_view text) {
    return at_operator(text) && (static_cast<void>(take()), true);
  }
  bool take_name(std::string_view text) {
    return at_name(text) && (static_cast<void>(take()), true);
  }
  /// Raise Syntax if something else stands there.
  Token expect(TokenKind kind, std::string_view called);
  void expect_operator(std::string_view text);
  void expect_name(std::string_view text);

  [[noreturn]] void fail_syntax(const std::string& text) const {
    throw TemplateFailure(FailureKind::Syntax, text, current().line);
  }

 private:
  [[noreturn]] void fail_expected(std::string_view called) const;

  std::vector<Token> tokens_;  // ends with End
  std::size_t at_ = 0;
};

/// Counts one level of nesting for its lifetime.
class SyntaxLevel {
 public:
  SyntaxLevel(int& depth, int line);
  SyntaxLevel(const SyntaxLevel&) = delete;
  SyntaxLevel& operator=(const SyntaxLevel&) = delete;
  ~SyntaxLevel() { --depth_; }

 private:
  int& depth_;
};

inline constexpr int kMaxHeight = 300;
void check_height(int height, int line);

/// One per template; statements and expressions nest in one another, so they share it.
class ExpressionParser {
 public:
  explicit ExpressionParser(TokenStream& tokens) : tokens_(tokens) {}

  enum class Inline : std::uint8_t { Yes, No };  // may `a if b else c` stand here?
  ExpressionPtr expression(Inline conditional = Inline::Yes);
  /// One expression, or several with commas. `stop`: a name that ends it.
  ExpressionPtr tuple(Inline conditional, std::string_view stop = "");
  /// What set, for and with assign to: a name, names with commas, or (for set) `ns.name`.
  ExpressionPtr target(std::string_view stop, bool namespaces);
  std::string name_to_assign();
  /// `| name(...) | ...`; with `first` the first bar is not there. May be null.
  ExpressionPtr filters(ExpressionPtr operand, bool first);

  /// Names that bodies of open macros mention; the innermost is last.
  std::vector<MacroCode*> open_macros;
  int depth = 0;

 private:
  ExpressionPtr conditional();
  ExpressionPtr logical(bool is_and);
  ExpressionPtr negation();
  ExpressionPtr comparison();
  bool comparison_operator(Comparison& out);
  ExpressionPtr sum();
  ExpressionPtr concatenation();
  ExpressionPtr product();
  ExpressionPtr power();
  ExpressionPtr unary(bool with_filters);
  ExpressionPtr primary();
  ExpressionPtr name_or_constant();
  ExpressionPtr strings();
  ExpressionPtr parenthesised();
  ExpressionPtr list();
  ExpressionPtr dict();
  ExpressionPtr postfix(ExpressionPtr operand);
  ExpressionPtr attribute(ExpressionPtr operand);
  ExpressionPtr subscript(ExpressionPtr operand);
  ExpressionPtr slice(ExpressionPtr operand, ExpressionPtr start, int line);
  ExpressionPtr filters_and_tests(ExpressionPtr operand);
  ExpressionPtr predicate(ExpressionPtr operand);
  ExpressionPtr call(ExpressionPtr function);
  CallArguments call_arguments();
  void call_argument(CallArguments& out);
  std::string dotted_name();
  bool tuple_ends(std::string_view stop) const;
  ExpressionPtr target_item(bool namespaces);
  int line() const { return tokens_.current().line; }

  TokenStream& tokens_;
};

/// Raises Limit if the tree becomes higher than kMaxHeight.
template <typename Node>
ExpressionPtr make_expression(int line, Node node) {
  int height = 0;
  for_each_child(node, [&](const ExpressionPtr& child) {
    height = child && child->height > height ? child->height : height;
  });
  check_height(height + 1, line);
  return std::make_unique<Expression>(Expression{line, height + 1, std::move(node)});
}

}  // namespace cajal::jinja
