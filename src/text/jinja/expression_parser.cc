#include <algorithm>
#include <array>

#include "text/jinja/parser.h"
#include "text/jinja/token_stream.h"

namespace cajal::jinja {
ExpressionPtr ExpressionParser::expression(Inline conditional_allowed) {
  const SyntaxLevel level(depth, line());
  return conditional_allowed == Inline::Yes ? conditional() : logical(false);
}

ExpressionPtr ExpressionParser::conditional() {
  const SyntaxLevel level(depth, line());
  const int start = line();
  ExpressionPtr out = logical(false);
  while (tokens_.take_name("if")) {
    ConditionalNode node{.test = logical(false), .yes = std::move(out), .no = nullptr};
    if (tokens_.take_name("else")) {
      node.no = conditional();
    }
    out = make_expression(start, std::move(node));
  }
  return out;
}

ExpressionPtr ExpressionParser::logical(bool is_and) {
  const int start = line();
  const auto operand = [&] { return is_and ? negation() : logical(true); };
  ExpressionPtr left = operand();
  while (tokens_.take_name(is_and ? "and" : "or")) {
    ExpressionPtr right = operand();
    left = make_expression(
        start, LogicalNode{.is_and = is_and, .left = std::move(left), .right = std::move(right)});
  }
  return left;
}

ExpressionPtr ExpressionParser::negation() {
  const int start = line();
  if (tokens_.at_name("not")) {
    const SyntaxLevel level(depth, start);
    tokens_.take();
    return make_expression(start, NotNode{negation()});
  }
  return comparison();
}

bool ExpressionParser::comparison_operator(Comparison& out) {
  constexpr std::array<std::string_view, 6> kSymbols = {"==", "!=", "<", "<=", ">", ">="};
  if (tokens_.at(TokenKind::Operator)) {
    const auto it = std::ranges::find(kSymbols, tokens_.current().text);
    if (it == kSymbols.end()) {
      return false;
    }
    tokens_.take();
    out = static_cast<Comparison>(it - kSymbols.begin());
    return true;
  }
  if (tokens_.take_name("in")) {
    out = Comparison::In;
    return true;
  }
  if (tokens_.at_name("not") && tokens_.next().kind == TokenKind::Name &&
      tokens_.next().text == "in") {
    tokens_.take();
    tokens_.take();
    out = Comparison::NotIn;
    return true;
  }
  return false;
}

ExpressionPtr ExpressionParser::comparison() {
  const int start = line();
  ExpressionPtr first = sum();
  CompareNode node;
  for (Comparison operation{}; comparison_operator(operation);) {
    node.rest.emplace_back(operation, sum());
  }
  if (node.rest.empty()) {
    return first;
  }
  node.first = std::move(first);
  return make_expression(start, std::move(node));
}

ExpressionPtr ExpressionParser::sum() {
  const int start = line();
  ExpressionPtr left = concatenation();
  while (tokens_.at_operator("+") || tokens_.at_operator("-")) {
    const Arithmetic operation =
        tokens_.take().text == "+" ? Arithmetic::Add : Arithmetic::Subtract;
    ExpressionPtr right = concatenation();
    left = make_expression(start, ArithmeticNode{operation, std::move(left), std::move(right)});
  }
  return left;
}

ExpressionPtr ExpressionParser::concatenation() {
  const int start = line();
  ExpressionPtr first = product();
  if (!tokens_.at_operator("~")) {
    return first;
  }
  ConcatNode node;
  node.parts.push_back(std::move(first));
  while (tokens_.take_operator("~")) {
    node.parts.push_back(product());
  }
  return make_expression(start, std::move(node));
}

ExpressionPtr ExpressionParser::product() {
  constexpr std::array<std::string_view, 4> kSymbols = {"*", "/", "//", "%"};
  constexpr std::array<Arithmetic, 4> kOperations = {Arithmetic::Multiply, Arithmetic::Divide,
                                                     Arithmetic::FloorDivide, Arithmetic::Modulo};
  const int start = line();
  ExpressionPtr left = power();
  while (tokens_.at(TokenKind::Operator)) {
    const auto it = std::ranges::find(kSymbols, tokens_.current().text);
    if (it == kSymbols.end()) {
      break;
    }
    const auto operation = kOperations[static_cast<std::size_t>(it - kSymbols.begin())];
    tokens_.take();
    ExpressionPtr right = power();
    left = make_expression(start, ArithmeticNode{operation, std::move(left), std::move(right)});
  }
  return left;
}

ExpressionPtr ExpressionParser::power() {
  const int start = line();
  ExpressionPtr left = unary(true);
  while (tokens_.take_operator("**")) {
    ExpressionPtr right = unary(true);
    left = make_expression(start,
                           ArithmeticNode{Arithmetic::Power, std::move(left), std::move(right)});
  }
  return left;
}

ExpressionPtr ExpressionParser::unary(bool with_filters) {
  const SyntaxLevel level(depth, line());
  const int start = line();
  ExpressionPtr out;
  if (tokens_.at_operator("-") || tokens_.at_operator("+")) {
    const bool negative = tokens_.take().text == "-";
    out = make_expression(start, SignNode{.negative = negative, .operand = unary(false)});
  } else {
    out = primary();
  }
  out = postfix(std::move(out));
  return with_filters ? filters_and_tests(std::move(out)) : std::move(out);
}

ExpressionPtr ExpressionParser::primary() {
  switch (tokens_.current().kind) {
    case TokenKind::Name:
      return name_or_constant();
    case TokenKind::String:
      return strings();
    case TokenKind::Integer:
    case TokenKind::Float: {
      const Token token = tokens_.take();
      return make_expression(token.line, LiteralNode{token.number});
    }
    case TokenKind::Operator:
      if (tokens_.at_operator("(")) {
        return parenthesised();
      }
      if (tokens_.at_operator("[")) {
        return list();
      }
      if (tokens_.at_operator("{")) {
        return dict();
      }
      break;
    case TokenKind::Data:
    case TokenKind::VariableBegin:
    case TokenKind::VariableEnd:
    case TokenKind::BlockBegin:
    case TokenKind::BlockEnd:
    case TokenKind::End:
      break;
  }
  tokens_.fail_syntax(fmt::format("unexpected '{}'", describe(tokens_.current())));
}

ExpressionPtr ExpressionParser::name_or_constant() {
  const Token token = tokens_.take();
  if (token.text == "true" || token.text == "True") {
    return make_expression(token.line, LiteralNode{Value::boolean(true)});
  }
  if (token.text == "false" || token.text == "False") {
    return make_expression(token.line, LiteralNode{Value::boolean(false)});
  }
  if (token.text == "none" || token.text == "None") {
    return make_expression(token.line, LiteralNode{Value::none()});
  }
  for (MacroCode* macro : open_macros) {
    macro->uses_caller = macro->uses_caller || token.text == "caller";
    macro->uses_varargs = macro->uses_varargs || token.text == "varargs";
    macro->uses_kwargs = macro->uses_kwargs || token.text == "kwargs";
  }
  return make_expression(token.line, NameNode{token.text});
}

ExpressionPtr ExpressionParser::strings() {
  const int start = line();
  std::string text;
  while (tokens_.at(TokenKind::String)) {
    text += tokens_.take().text;
  }
  return make_expression(start, LiteralNode{Value::text(std::move(text))});
}

ExpressionPtr ExpressionParser::parenthesised() {
  const int start = line();
  tokens_.take();
  ExpressionPtr out =
      tokens_.at_operator(")") ? make_expression(start, TupleNode{}) : tuple(Inline::Yes);
  tokens_.expect_operator(")");
  return out;
}

ExpressionPtr ExpressionParser::list() {
  const int start = line();
  tokens_.take();
  ListNode node;
  while (!tokens_.at_operator("]")) {
    if (!node.items.empty()) {
      tokens_.expect_operator(",");
      if (tokens_.at_operator("]")) {
        break;
      }
    }
    node.items.push_back(expression());
  }
  tokens_.expect_operator("]");
  return make_expression(start, std::move(node));
}

ExpressionPtr ExpressionParser::dict() {
  const int start = line();
  tokens_.take();
  DictNode node;
  while (!tokens_.at_operator("}")) {
    if (!node.members.empty()) {
      tokens_.expect_operator(",");
      if (tokens_.at_operator("}")) {
        break;
      }
    }
    ExpressionPtr key = expression();
    tokens_.expect_operator(":");
    node.members.emplace_back(std::move(key), expression());
  }
  tokens_.expect_operator("}");
  return make_expression(start, std::move(node));
}

bool ExpressionParser::tuple_ends(std::string_view stop) const {
  return tokens_.at(TokenKind::VariableEnd) || tokens_.at(TokenKind::BlockEnd) ||
         tokens_.at_operator(")") || (!stop.empty() && tokens_.at_name(stop));
}

ExpressionPtr ExpressionParser::tuple(Inline conditional_allowed, std::string_view stop) {
  const int start = line();
  TupleNode node;
  bool is_tuple = false;
  while (!tuple_ends(stop)) {
    node.items.push_back(expression(conditional_allowed));
    if (!tokens_.take_operator(",")) {
      break;
    }
    is_tuple = true;
  }
  if (node.items.empty()) {
    tokens_.fail_syntax(
        fmt::format("Expected an expression, got '{}'", describe(tokens_.current())));
  }
  return is_tuple ? make_expression(start, std::move(node)) : std::move(node.items[0]);
}

std::string ExpressionParser::name_to_assign() {
  const Token token = tokens_.expect(TokenKind::Name, "name");
  constexpr std::array<std::string_view, 6> kConstants = {"true", "false", "none",
                                                          "True", "False", "None"};
  if (std::ranges::find(kConstants, token.text) != kConstants.end()) {
    throw TemplateFailure(FailureKind::Syntax, "can't assign to 'const'", token.line);
  }
  return token.text;
}

ExpressionPtr ExpressionParser::target_item(bool namespaces) {
  const int start = line();
  if (tokens_.at_operator("(")) {
    const SyntaxLevel level(depth, start);
    tokens_.take();
    ExpressionPtr out = target("", namespaces);
    tokens_.expect_operator(")");
    return out;
  }
  if (!tokens_.at(TokenKind::Name)) {
    tokens_.fail_syntax(fmt::format("can't assign to '{}'", describe(tokens_.current())));
  }
  std::string name = name_to_assign();
  if (namespaces && tokens_.take_operator(".")) {
    return make_expression(
        start, NamespaceNode{std::move(name), tokens_.expect(TokenKind::Name, "name").text});
  }
  return make_expression(start, NameNode{std::move(name)});
}

ExpressionPtr ExpressionParser::target(std::string_view stop, bool namespaces) {
  const int start = line();
  TupleNode node;
  bool is_tuple = false;
  while (!tuple_ends(stop)) {
    node.items.push_back(target_item(namespaces));
    if (!tokens_.take_operator(",")) {
      break;
    }
    is_tuple = true;
  }
  if (node.items.empty()) {
    tokens_.fail_syntax(
        fmt::format("Expected an expression, got '{}'", describe(tokens_.current())));
  }
  return is_tuple ? make_expression(start, std::move(node)) : std::move(node.items[0]);
}

}  // namespace cajal::jinja
