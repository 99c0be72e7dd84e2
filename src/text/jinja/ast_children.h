// for_each_child(node, visit): calls visit(const ExpressionPtr&) for each direct child of an
// expression node; a child may be null.
#pragma once

#include "text/jinja/ast.h"

namespace cajal::jinja {

template <typename Visit>
void for_each_argument(const CallArguments& arguments, const Visit& visit) {
  for (const ExpressionPtr& child : arguments.positional) {
    visit(child);
  }
  for (const auto& [name, child] : arguments.named) {
    visit(child);
  }
  visit(arguments.star);
  visit(arguments.star_star);
}

template <typename Visit>
void for_each_child(const LiteralNode& /*node*/, const Visit& /*visit*/) {}
template <typename Visit>
void for_each_child(const NameNode& /*node*/, const Visit& /*visit*/) {}
template <typename Visit>
void for_each_child(const NamespaceNode& /*node*/, const Visit& /*visit*/) {}
template <typename Visit>
void for_each_child(const TupleNode& node, const Visit& visit) {
  for (const ExpressionPtr& child : node.items) {
    visit(child);
  }
}
template <typename Visit>
void for_each_child(const ListNode& node, const Visit& visit) {
  for (const ExpressionPtr& child : node.items) {
    visit(child);
  }
}
template <typename Visit>
void for_each_child(const DictNode& node, const Visit& visit) {
  for (const auto& [key, value] : node.members) {
    visit(key);
    visit(value);
  }
}
template <typename Visit>
void for_each_child(const SignNode& node, const Visit& visit) {
  visit(node.operand);
}
template <typename Visit>
void for_each_child(const NotNode& node, const Visit& visit) {
  visit(node.operand);
}
template <typename Visit>
void for_each_child(const ArithmeticNode& node, const Visit& visit) {
  visit(node.left);
  visit(node.right);
}
template <typename Visit>
void for_each_child(const ConcatNode& node, const Visit& visit) {
  for (const ExpressionPtr& child : node.parts) {
    visit(child);
  }
}
template <typename Visit>
void for_each_child(const CompareNode& node, const Visit& visit) {
  visit(node.first);
  for (const auto& [operation, child] : node.rest) {
    visit(child);
  }
}
template <typename Visit>
void for_each_child(const LogicalNode& node, const Visit& visit) {
  visit(node.left);
  visit(node.right);
}
template <typename Visit>
void for_each_child(const ConditionalNode& node, const Visit& visit) {
  visit(node.test);
  visit(node.yes);
  visit(node.no);
}
template <typename Visit>
void for_each_child(const AttributeNode& node, const Visit& visit) {
  visit(node.object);
}
template <typename Visit>
void for_each_child(const ItemNode& node, const Visit& visit) {
  visit(node.object);
  visit(node.index);
}
template <typename Visit>
void for_each_child(const SliceNode& node, const Visit& visit) {
  visit(node.object);
  visit(node.start);
  visit(node.stop);
  visit(node.step);
}
template <typename Visit>
void for_each_child(const CallNode& node, const Visit& visit) {
  visit(node.function);
  for_each_argument(node.arguments, visit);
}
template <typename Visit>
void for_each_child(const FilterNode& node, const Visit& visit) {
  visit(node.operand);
  for_each_argument(node.arguments, visit);
}
template <typename Visit>
void for_each_child(const PredicateNode& node, const Visit& visit) {
  visit(node.operand);
  for_each_argument(node.arguments, visit);
}

}  // namespace cajal::jinja
