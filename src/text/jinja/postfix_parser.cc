// The part of ExpressionParser that comes after an operand: attributes, items, calls, filters and
// tests.
#include <array>

#include "text/jinja/parser.h"
#include "text/jinja/token_stream.h"

namespace cajal::jinja {
ExpressionPtr ExpressionParser::postfix(ExpressionPtr operand) {
  while (true) {
    if (tokens_.at_operator(".")) {
      operand = attribute(std::move(operand));
    } else if (tokens_.at_operator("[")) {
      operand = subscript(std::move(operand));
    } else if (tokens_.at_operator("(")) {
      operand = call(std::move(operand));
    } else {
      return operand;
    }
  }
}

ExpressionPtr ExpressionParser::attribute(ExpressionPtr operand) {
  const int start = line();
  tokens_.take();
  const Token token = tokens_.take();
  if (token.kind == TokenKind::Name) {
    return make_expression(start, AttributeNode{std::move(operand), token.text});
  }
  if (token.kind != TokenKind::Integer) {
    throw TemplateFailure(FailureKind::Syntax, "expected name or number", token.line);
  }
  return make_expression(
      start, ItemNode{std::move(operand), make_expression(token.line, LiteralNode{token.number})});
}

ExpressionPtr ExpressionParser::subscript(ExpressionPtr operand) {
  const int start = line();
  tokens_.take();
  if (tokens_.at_operator("]")) {
    tokens_.take();  // x[] is x[()]
    return make_expression(start,
                           ItemNode{std::move(operand), make_expression(start, TupleNode{})});
  }
  ExpressionPtr first = tokens_.at_operator(":") ? nullptr : expression();
  if (tokens_.at_operator(":")) {
    return slice(std::move(operand), std::move(first), start);
  }
  if (tokens_.at_operator(",")) {
    TupleNode node;
    node.items.push_back(std::move(first));
    while (tokens_.take_operator(",") && !tokens_.at_operator("]")) {
      node.items.push_back(expression());
    }
    first = make_expression(start, std::move(node));
  }
  tokens_.expect_operator("]");
  return make_expression(start, ItemNode{std::move(operand), std::move(first)});
}

ExpressionPtr ExpressionParser::slice(ExpressionPtr operand, ExpressionPtr from, int start) {
  SliceNode node{.object = std::move(operand), .start = std::move(from), .stop = {}, .step = {}};
  tokens_.expect_operator(":");
  if (!tokens_.at_operator(":") && !tokens_.at_operator("]")) {
    node.stop = expression();
  }
  if (tokens_.take_operator(":") && !tokens_.at_operator("]")) {
    node.step = expression();
  }
  if (tokens_.at_operator(",")) {
    throw TemplateFailure(FailureKind::Unsupported, "a slice with several dimensions", start);
  }
  tokens_.expect_operator("]");
  return make_expression(start, std::move(node));
}

ExpressionPtr ExpressionParser::filters_and_tests(ExpressionPtr operand) {
  while (true) {
    if (tokens_.at_operator("|")) {
      operand = filters(std::move(operand), false);
    } else if (tokens_.at_name("is")) {
      operand = predicate(std::move(operand));
    } else if (tokens_.at_operator("(")) {
      operand = call(std::move(operand));
    } else {
      return operand;
    }
  }
}

std::string ExpressionParser::dotted_name() {
  std::string name = tokens_.expect(TokenKind::Name, "name").text;
  while (tokens_.take_operator(".")) {
    name += "." + tokens_.expect(TokenKind::Name, "name").text;
  }
  return name;
}

ExpressionPtr ExpressionParser::filters(ExpressionPtr operand, bool first) {
  while (first || tokens_.at_operator("|")) {
    if (!first) {
      tokens_.take();
    }
    first = false;
    const int start = line();
    FilterNode node{.operand = std::move(operand), .name = dotted_name(), .arguments = {}};
    if (tokens_.at_operator("(")) {
      node.arguments = call_arguments();
    }
    operand = make_expression(start, std::move(node));
  }
  return operand;
}

ExpressionPtr ExpressionParser::predicate(ExpressionPtr operand) {
  const int start = line();
  tokens_.take();
  const bool negated = tokens_.take_name("not");
  PredicateNode node{.operand = std::move(operand), .name = dotted_name(), .arguments = {}};
  const bool starts_operand = tokens_.at(TokenKind::Name) || tokens_.at(TokenKind::String) ||
                              tokens_.at(TokenKind::Integer) || tokens_.at(TokenKind::Float) ||
                              tokens_.at_operator("[") || tokens_.at_operator("{");
  if (tokens_.at_operator("(")) {
    node.arguments = call_arguments();
  } else if (starts_operand && !tokens_.at_any_name({"else", "or", "and"})) {
    if (tokens_.at_name("is")) {
      tokens_.fail_syntax("You cannot chain multiple tests with is");
    }
    const SyntaxLevel level(depth, start);
    node.arguments.positional.push_back(postfix(primary()));
  }
  ExpressionPtr out = make_expression(start, std::move(node));
  return negated ? make_expression(start, NotNode{std::move(out)}) : std::move(out);
}

ExpressionPtr ExpressionParser::call(ExpressionPtr function) {
  const int start = line();
  CallArguments arguments = call_arguments();
  return make_expression(start, CallNode{std::move(function), std::move(arguments)});
}

CallArguments ExpressionParser::call_arguments() {
  tokens_.expect_operator("(");
  CallArguments out;
  bool first = true;
  while (!tokens_.at_operator(")")) {
    if (!first) {
      tokens_.expect_operator(",");
      if (tokens_.at_operator(")")) {
        break;
      }
    }
    first = false;
    call_argument(out);
  }
  tokens_.expect_operator(")");
  return out;
}

void ExpressionParser::call_argument(CallArguments& out) {
  const auto ensure = [this](bool valid) {
    if (!valid) {
      tokens_.fail_syntax("invalid syntax for function call expression");
    }
  };
  if (tokens_.take_operator("*")) {
    ensure(!out.star && !out.star_star);
    out.star = expression();
  } else if (tokens_.take_operator("**")) {
    ensure(!out.star_star);
    out.star_star = expression();
  } else if (tokens_.at(TokenKind::Name) && tokens_.next().kind == TokenKind::Operator &&
             tokens_.next().text == "=") {
    ensure(!out.star_star);
    std::string name = tokens_.take().text;
    tokens_.take();
    out.named.emplace_back(std::move(name), expression());
  } else {
    ensure(!out.star && !out.star_star && out.named.empty());
    out.positional.push_back(expression());
  }
}

}  // namespace cajal::jinja
