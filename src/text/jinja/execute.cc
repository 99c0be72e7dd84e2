// The statements of Evaluator.
#include <algorithm>

#include "base/utf8.h"
#include "text/jinja/evaluator.h"
#include "text/jinja/objects.h"
#include "text/jinja/operations.h"

namespace cajal::jinja {

std::string Evaluator::run(const Body& body) {
  execute(body);
  return std::move(top_);
}

void Evaluator::write(std::string_view text) {
  budget_.bytes(text.size());
  if (out_->size() + text.size() > budget_.limits().one_value) {
    raise(FailureKind::Limit, "the text would be longer than {} bytes", budget_.limits().one_value);
  }
  out_->append(text);
}

std::string Evaluator::captured(const std::function<void()>& body) {
  std::string text;
  std::string* const outer = std::exchange(out_, &text);
  try {
    body();
  } catch (const TemplateFailure&) {
    out_ = outer;  // `text` is about to go
    throw;
  }
  out_ = outer;
  return text;
}

void Evaluator::in_new_scope(const std::function<void()>& body) {
  const std::shared_ptr<Scope> outer = scope_;
  scope_ = std::make_shared<Scope>(Scope{outer, {}});
  try {
    body();
  } catch (const TemplateFailure&) {
    scope_ = outer;
    throw;
  }
  scope_ = outer;
}

Evaluator::Flow Evaluator::execute(const Body& body) {
  const Level level(*this);
  for (const Statement& statement : body) {
    budget_.steps(1);
    line_ = statement.line;
    const Flow flow =
        std::visit([this](const auto& node) { return this->run_statement(node); }, statement.node);
    if (flow != Flow::Next) {
      return flow;
    }
  }
  return Flow::Next;
}

Evaluator::Flow Evaluator::run_statement(const TextStatement& node) {
  write(node.text);
  return Flow::Next;
}

Evaluator::Flow Evaluator::run_statement(const PrintStatement& node) {
  write(to_text(*this, evaluate(*node.value)));
  return Flow::Next;
}

Evaluator::Flow Evaluator::run_statement(const IfStatement& node) {
  for (const auto& [test, body] : node.branches) {
    if (evaluate(*test).truthy()) {
      return execute(body);
    }
  }
  return execute(node.otherwise);
}

bool Evaluator::assign(Scope& scope, const Expression& target, const Value& value) {
  if (const auto* name = std::get_if<NameNode>(&target.node)) {
    scope.set(name->name, value);
    return true;
  }
  if (const auto* reference = std::get_if<NamespaceNode>(&target.node)) {
    const Value* object = scope.find(reference->name);
    auto* names = object != nullptr && object->is_object()
                      ? dynamic_cast<Namespace*>(object->as_object().get())
                      : nullptr;
    if (names == nullptr) {
      raise(FailureKind::Runtime, "cannot assign attribute on non-namespace object");
    }
    names->set(Value::text(reference->attribute), value);
    return true;
  }
  const auto& targets = std::get<TupleNode>(target.node).items;
  const Values values = items_of(*this, value);
  if (values.size() < targets.size()) {
    raise(FailureKind::Value, "not enough values to unpack (expected {}, got {})", targets.size(),
          values.size());
  }
  if (values.size() > targets.size()) {
    raise(FailureKind::Value, "too many values to unpack (expected {})", targets.size());
  }
  for (std::size_t i = 0; i < targets.size(); ++i) {
    assign(scope, *targets[i], values[i]);
  }
  return true;
}

Evaluator::Flow Evaluator::run_statement(const SetStatement& node) {
  const Value value = evaluate(*node.value);
  assign(*scope_, *node.target, value);
  return Flow::Next;
}

Value Evaluator::through_filters(const Expression& filter, std::string text) {
  const Value operand = Value::text(std::move(text));
  const Value* const outer = std::exchange(filtered_, &operand);
  Value out = evaluate(filter);
  filtered_ = outer;
  return out;
}

Evaluator::Flow Evaluator::run_statement(const SetBlockStatement& node) {
  std::string text = captured([&] { in_new_scope([&] { execute(node.body); }); });
  const Value value =
      node.filter ? through_filters(*node.filter, std::move(text)) : Value::text(std::move(text));
  assign(*scope_, *node.target, value);
  return Flow::Next;
}

Evaluator::Flow Evaluator::run_statement(const FilterStatement& node) {
  std::string text = captured([&] { in_new_scope([&] { execute(node.body); }); });
  write(to_text(*this, through_filters(*node.filter, std::move(text))));
  return Flow::Next;
}

Evaluator::Flow Evaluator::run_statement(const WithStatement& node) {
  Values values;
  for (const auto& [target, value] : node.bindings) {
    values.push_back(evaluate(*value));
  }
  Flow flow = Flow::Next;
  in_new_scope([&] {
    for (std::size_t i = 0; i < values.size(); ++i) {
      assign(*scope_, *node.bindings[i].first, values[i]);
    }
    flow = execute(node.body);
  });
  return flow;
}

/// The reference counts from what its top level had written when the block began.
Evaluator::Flow Evaluator::run_statement(const GenerationStatement& node) {
  const std::string text = captured([&] { in_new_scope([&] { execute(node.body); }); });
  generated_.push_back({top_.size(), top_.size() + text.size()});
  write(text);
  return Flow::Next;
}

Evaluator::Flow Evaluator::run_statement(const ForStatement& node) {
  loop(node, evaluate(*node.iterable), 0);
  return Flow::Next;
}

std::string Evaluator::run_loop_again(const ForStatement& node,
                                      const std::shared_ptr<Scope>& closure, const Value& iterable,
                                      int depth) {
  const std::shared_ptr<Scope> outer = std::exchange(scope_, closure);
  std::string text = captured([&] { loop(node, iterable, depth); });
  scope_ = outer;
  return text;
}

void Evaluator::loop(const ForStatement& node, const Value& iterable, int depth) {
  const Level level(*this);
  Loop::Condition condition;
  if (node.condition) {
    condition = [this, &node](const Value& item) {
      bool out = false;
      in_new_scope([&] {
        assign(*scope_, *node.target, item);
        out = evaluate(*node.condition).truthy();
      });
      return out;
    };
  }
  const auto state = std::make_shared<Loop>(items_of(*this, iterable), condition, depth);
  state->set_self(state);
  if (node.recursive) {
    state->allow_recursion(&node, scope_);
  }
  bool any = false;
  while (const std::optional<Value> item = state->next()) {
    any = true;
    Flow flow = Flow::Next;
    in_new_scope([&] {
      scope_->set("loop", Value::object(state));
      assign(*scope_, *node.target, *item);
      flow = execute(node.body);
    });
    if (flow == Flow::Break) {
      break;
    }
  }
  state->release();  // the condition refers to this call
  if (!any) {
    in_new_scope([&] { execute(node.otherwise); });
  }
}

Value Evaluator::macro_value(std::shared_ptr<const MacroCode> code) {
  keep([scope = scope_] { scope->names.clear(); });  // the macro may be one of its names
  return Value::object(std::make_shared<Macro>(std::move(code), scope_));
}

Evaluator::Flow Evaluator::run_statement(const MacroStatement& node) {
  scope_->set(node.code->name, macro_value(node.code));
  return Flow::Next;
}

Evaluator::Flow Evaluator::run_statement(const CallStatement& node) {
  const auto& call_node = std::get<CallNode>(node.call->node);
  const Value function = evaluate(*call_node.function);
  Arguments arguments = arguments_of(call_node.arguments);
  arguments.named.emplace_back("caller", macro_value(node.caller));
  write(to_text(*this, call(function, std::move(arguments))));
  return Flow::Next;
}

namespace {

/// Takes the named argument out; nullopt if it was not given.
std::optional<Value> take_named(Arguments& arguments, std::string_view name) {
  const auto it = std::ranges::find(arguments.named, name, &std::pair<std::string, Value>::first);
  if (it == arguments.named.end()) {
    return std::nullopt;
  }
  Value out = std::move(it->second);
  arguments.named.erase(it);
  return out;
}

void bind_rest(const MacroCode& code, Arguments& arguments, Scope& scope) {
  const std::size_t count = code.parameters.size();
  if (code.uses_kwargs) {
    std::vector<std::pair<Value, Value>> rest;
    for (auto& [name, value] : arguments.named) {
      set_member(rest, Value::text(name), value);
    }
    scope.set("kwargs", Value::dict(std::move(rest)));
  } else if (!arguments.named.empty()) {
    raise(FailureKind::Type, "macro '{}' takes no keyword argument '{}'", code.name,
          arguments.named[0].first);
  }
  if (code.uses_varargs) {
    Values rest;
    for (std::size_t i = count; i < arguments.positional.size(); ++i) {
      rest.push_back(arguments.positional[i]);
    }
    scope.set("varargs", Value::tuple(std::move(rest)));
  } else if (arguments.positional.size() > count) {
    raise(FailureKind::Type, "macro '{}' takes not more than {} argument(s)", code.name, count);
  }
}

}  // namespace

void Evaluator::bind_parameters(const MacroCode& code, Arguments& arguments) {
  const std::size_t count = code.parameters.size();
  std::vector<std::optional<Value>> given(count);
  for (std::size_t i = 0; i < count; ++i) {
    given[i] = i < arguments.positional.size() ? arguments.positional[i]
                                               : take_named(arguments, code.parameters[i]);
  }
  if (code.uses_caller) {
    scope_->set("caller",
                take_named(arguments, "caller").value_or(Value::undefined("No caller defined")));
  }
  bind_rest(code, arguments, *scope_);
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t first_default = count - code.defaults.size();
    if (given[i]) {
      scope_->set(code.parameters[i], *given[i]);
    } else if (i >= first_default) {
      scope_->set(code.parameters[i], evaluate(*code.defaults[i - first_default]));
    } else {
      scope_->set(code.parameters[i], Value::undefined(fmt::format(
                                          "parameter '{}' was not provided", code.parameters[i])));
    }
  }
}

std::string Evaluator::run_macro(const MacroCode& code, const std::shared_ptr<Scope>& closure,
                                 Arguments arguments) {
  const Level level(*this);
  const std::shared_ptr<Scope> outer = std::exchange(scope_, closure);
  std::string text = captured([&] {
    in_new_scope([&] {
      bind_parameters(code, arguments);
      execute(code.body);
    });
  });
  scope_ = outer;
  return text;
}

}  // namespace cajal::jinja
