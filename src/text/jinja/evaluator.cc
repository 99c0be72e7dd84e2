#include "text/jinja/evaluator.h"

#include <algorithm>

#include "text/jinja/attributes.h"
#include "text/jinja/operations.h"

namespace cajal::jinja {

const Value* Scope::find(std::string_view name) const {
  for (const Scope* scope = this; scope != nullptr; scope = scope->parent.get()) {
    const auto it = std::ranges::find(scope->names, name, &std::pair<std::string, Value>::first);
    if (it != scope->names.end()) {
      return &it->second;
    }
  }
  return nullptr;
}

void Scope::set(std::string_view name, Value value) {
  const auto it = std::ranges::find(names, name, &std::pair<std::string, Value>::first);
  if (it != names.end()) {
    it->second = std::move(value);
  } else {
    names.emplace_back(std::string(name), std::move(value));
  }
}

Evaluator::Evaluator(std::shared_ptr<Scope> globals, const Limits& limits, const std::tm& now)
    : scope_(std::make_shared<Scope>()), budget_(limits), now_(now) {
  scope_->parent = std::move(globals);
}

Evaluator::~Evaluator() {
  for (const auto& release : releases_) {
    release();
  }
}

Evaluator::Level::Level(Evaluator& evaluator) : evaluator_(evaluator) {
  evaluator_.budget_.steps(1);
  if (evaluator_.depth_ >= evaluator_.budget_.limits().depth) {
    raise(FailureKind::Limit, "more than {} evaluations in one another",
          evaluator_.budget_.limits().depth);
  }
  ++evaluator_.depth_;
}

Value Evaluator::evaluate(const Expression& expression) {
  const Level level(*this);
  line_ = expression.line;
  return std::visit([this](const auto& node) { return value_of(node); }, expression.node);
}

Values Evaluator::values_of(const Expressions& expressions) {
  Values out;
  out.reserve(expressions.size());
  for (const ExpressionPtr& expression : expressions) {
    out.push_back(evaluate(*expression));
  }
  return out;
}

Value Evaluator::value_of(const LiteralNode& node) {
  return node.value;
}

Value Evaluator::value_of(const NameNode& node) {
  const Value* found = scope_->find(node.name);
  if (found == nullptr && node.name == "self") {
    raise(FailureKind::Unsupported, "the name 'self', which stands for the template's blocks");
  }
  return found != nullptr ? *found : Value::undefined(fmt::format("'{}' is undefined", node.name));
}

Value Evaluator::value_of(const NamespaceNode& /*node*/) {
  raise(FailureKind::Runtime, "an attribute to assign to is no value");
}

Value Evaluator::value_of(const TupleNode& node) {
  return Value::tuple(values_of(node.items));
}
Value Evaluator::value_of(const ListNode& node) {
  return Value::list(values_of(node.items));
}

Value Evaluator::value_of(const DictNode& node) {
  std::vector<std::pair<Value, Value>> members;
  for (const auto& [key, value] : node.members) {
    Value name = evaluate(*key);
    budget_.steps(members.size());
    set_member(members, std::move(name), evaluate(*value));
  }
  return Value::dict(std::move(members));
}

Value Evaluator::value_of(const SignNode& node) {
  return signed_value(evaluate(*node.operand), node.negative);
}

Value Evaluator::value_of(const NotNode& node) {
  return Value::boolean(!evaluate(*node.operand).truthy());
}

Value Evaluator::value_of(const ArithmeticNode& node) {
  const Value left = evaluate(*node.left);
  const Value right = evaluate(*node.right);
  return arithmetic(*this, node.operation, left, right);
}

Value Evaluator::value_of(const ConcatNode& node) {
  std::string out;
  for (const Value& part : values_of(node.parts)) {
    out += to_text(*this, part);
    budget_.bytes(out.size());
  }
  return Value::text(std::move(out));
}

Value Evaluator::value_of(const CompareNode& node) {
  Value left = evaluate(*node.first);
  for (const auto& [operation, expression] : node.rest) {
    Value right = evaluate(*expression);
    if (!compare(*this, operation, left, right)) {
      return Value::boolean(false);
    }
    left = std::move(right);
  }
  return Value::boolean(true);
}

Value Evaluator::value_of(const LogicalNode& node) {
  Value left = evaluate(*node.left);
  return left.truthy() == node.is_and ? evaluate(*node.right) : left;
}

Value Evaluator::value_of(const ConditionalNode& node) {
  if (evaluate(*node.test).truthy()) {
    return evaluate(*node.yes);
  }
  if (node.no) {
    return evaluate(*node.no);
  }
  return Value::undefined(
      "the inline if-expression evaluated to false and no else section was defined.");
}

Value Evaluator::value_of(const AttributeNode& node) {
  return attribute_of(*this, evaluate(*node.object), node.name);
}

Value Evaluator::value_of(const ItemNode& node) {
  const Value object = evaluate(*node.object);
  return item_of(*this, object, evaluate(*node.index));
}

Value Evaluator::value_of(const SliceNode& node) {
  const auto bound = [this](const ExpressionPtr& expression) {
    return expression ? evaluate(*expression) : Value::none();
  };
  const Value object = evaluate(*node.object);
  const Value start = bound(node.start);
  const Value stop = bound(node.stop);
  return slice_of(*this, object, start, stop, bound(node.step));
}

Arguments Evaluator::arguments_of(const CallArguments& arguments) {
  Arguments out;
  out.positional = values_of(arguments.positional);
  for (const auto& [name, expression] : arguments.named) {
    out.named.emplace_back(name, evaluate(*expression));
  }
  if (arguments.star) {
    for (Value& value : items_of(*this, evaluate(*arguments.star))) {
      out.positional.push_back(std::move(value));
    }
  }
  if (arguments.star_star) {
    const Value rest = evaluate(*arguments.star_star);
    if (!rest.is_dict()) {
      raise(FailureKind::Type, "argument after ** must be a mapping, not {}", rest.type_name());
    }
    for (const auto& [name, value] : rest.as_dict().members) {
      if (!name.is_text()) {
        raise(FailureKind::Type, "keywords must be strings");
      }
      out.named.emplace_back(name.as_text(), value);
    }
  }
  return out;
}

Value Evaluator::call(const Value& function, Arguments arguments) {
  need_defined(function);
  if (!function.is_object()) {
    raise(FailureKind::Type, "'{}' object is not callable", function.type_name());
  }
  return function.as_object()->call(*this, std::move(arguments));
}

Value Evaluator::value_of(const CallNode& node) {
  const int line = line_;
  const Value function = evaluate(*node.function);
  Arguments arguments = arguments_of(node.arguments);
  line_ = line;
  return call(function, std::move(arguments));
}

Value Evaluator::value_of(const FilterNode& node) {
  const int line = line_;
  const Value operand = node.operand ? evaluate(*node.operand) : *filtered_;
  Arguments arguments = arguments_of(node.arguments);
  line_ = line;
  return call_filter(node.name, operand, std::move(arguments));
}

Value Evaluator::value_of(const PredicateNode& node) {
  const int line = line_;
  const Value operand = evaluate(*node.operand);
  const Arguments arguments = arguments_of(node.arguments);
  line_ = line;
  return Value::boolean(call_test(node.name, operand, arguments));
}

}  // namespace cajal::jinja
