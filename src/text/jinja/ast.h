// The syntax tree of a template: plain structs in two variants, no behaviour.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "text/jinja/numbers.h"
#include "text/jinja/value.h"

namespace cajal::jinja {

struct Expression;
using ExpressionPtr = std::unique_ptr<Expression>;  // may be null only where a comment says so
using Expressions = std::vector<ExpressionPtr>;

struct CallArguments {
  Expressions positional;
  std::vector<std::pair<std::string, ExpressionPtr>> named;
  ExpressionPtr star;       // null if there is no *rest
  ExpressionPtr star_star;  // null if there is no **rest
};

enum class Comparison : std::uint8_t {
  Equal,
  NotEqual,
  Less,
  LessEqual,
  Greater,
  GreaterEqual,
  In,
  NotIn
};

struct LiteralNode {
  Value value;
};
struct NameNode {
  std::string name;
};
/// Only as the target of set: `ns.name = ...`.
struct NamespaceNode {
  std::string name;
  std::string attribute;
};
struct TupleNode {
  Expressions items;
};
struct ListNode {
  Expressions items;
};
struct DictNode {
  std::vector<std::pair<ExpressionPtr, ExpressionPtr>> members;
};
struct SignNode {
  bool negative = false;
  ExpressionPtr operand;
};
struct NotNode {
  ExpressionPtr operand;
};
struct ArithmeticNode {
  Arithmetic operation = Arithmetic::Add;
  ExpressionPtr left;
  ExpressionPtr right;
};
struct ConcatNode {
  Expressions parts;
};
struct CompareNode {
  ExpressionPtr first;
  std::vector<std::pair<Comparison, ExpressionPtr>> rest;
};
struct LogicalNode {
  bool is_and = false;
  ExpressionPtr left;
  ExpressionPtr right;
};
struct ConditionalNode {
  ExpressionPtr test;
  ExpressionPtr yes;
  ExpressionPtr no;  // null: undefined
};
struct AttributeNode {
  ExpressionPtr object;
  std::string name;
};
struct ItemNode {
  ExpressionPtr object;
  ExpressionPtr index;
};
struct SliceNode {
  ExpressionPtr object;
  ExpressionPtr start;  // each may be null
  ExpressionPtr stop;
  ExpressionPtr step;
};
struct CallNode {
  ExpressionPtr function;
  CallArguments arguments;
};
struct FilterNode {
  ExpressionPtr operand;  // null: the text of a filter or set block
  std::string name;
  CallArguments arguments;
};
struct PredicateNode {  // `x is name`
  ExpressionPtr operand;
  std::string name;
  CallArguments arguments;
};

struct Expression {
  int line = 1;
  int height = 1;  // of the tree; limited, because trees are walked recursively
  std::variant<LiteralNode, NameNode, NamespaceNode, TupleNode, ListNode, DictNode, SignNode,
               NotNode, ArithmeticNode, ConcatNode, CompareNode, LogicalNode, ConditionalNode,
               AttributeNode, ItemNode, SliceNode, CallNode, FilterNode, PredicateNode>
      node;
};

struct Statement;
using Body = std::vector<Statement>;

/// Parameters and body of a macro or of a call block.
struct MacroCode {
  std::string name;
  std::vector<std::string> parameters;
  Expressions defaults;  // of the last parameters
  Body body;
  bool uses_caller = false;  // the body mentions these names
  bool uses_varargs = false;
  bool uses_kwargs = false;
};

struct TextStatement {
  std::string text;
};
struct PrintStatement {
  ExpressionPtr value;
};
struct IfStatement {
  std::vector<std::pair<ExpressionPtr, Body>> branches;
  Body otherwise;
};
struct ForStatement {
  ExpressionPtr target;
  ExpressionPtr iterable;
  ExpressionPtr condition;  // may be null
  Body body;
  Body otherwise;
  bool recursive = false;
};
struct SetStatement {
  ExpressionPtr target;
  ExpressionPtr value;
};
struct SetBlockStatement {
  ExpressionPtr target;
  ExpressionPtr filter;  // a chain of FilterNode; may be null
  Body body;
};
struct WithStatement {
  std::vector<std::pair<ExpressionPtr, ExpressionPtr>> bindings;
  Body body;
};
struct MacroStatement {
  std::shared_ptr<const MacroCode> code;
};
struct CallStatement {
  std::shared_ptr<const MacroCode> caller;
  ExpressionPtr call;  // a CallNode
};
struct FilterStatement {
  ExpressionPtr filter;
  Body body;
};
struct GenerationStatement {
  Body body;
};
struct BreakStatement {};
struct ContinueStatement {};

struct Statement {
  int line = 1;
  std::variant<TextStatement, PrintStatement, IfStatement, ForStatement, SetStatement,
               SetBlockStatement, WithStatement, MacroStatement, CallStatement, FilterStatement,
               GenerationStatement, BreakStatement, ContinueStatement>
      node;
};

}  // namespace cajal::jinja
