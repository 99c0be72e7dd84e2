#include "text/jinja/objects.h"

#include <algorithm>

#include "text/jinja/call_arguments.h"
#include "text/jinja/operations.h"

namespace cajal::jinja {

Value make_function(std::string name, Function::Body body, int depth) {
  return Value::object(std::make_shared<Function>(std::move(name), std::move(body), depth));
}

bool Namespace::attribute(std::string_view name, Value* out) {
  for (const auto& [key, value] : members_) {
    if (key.is_text() && key.as_text() == name) {
      *out = value;
      return true;
    }
  }
  return false;
}

std::string Namespace::repr(Evaluator& evaluator) const {
  const Evaluator::Level level(evaluator);  // a namespace can hold itself
  return fmt::format("<Namespace {}>", jinja::repr(evaluator, Value::dict(members_)));
}

void Namespace::set(Value name, Value value) {
  if (name.is_text() && name.as_text().starts_with('_')) {
    raise(FailureKind::Security,
          "Chat templates cannot store underscore-prefixed attributes on a namespace, but got "
          "'{}'. Please rename the attribute.",
          name.as_text());
  }
  set_member(members_, std::move(name), std::move(value));
}

Value Macro::call(Evaluator& evaluator, Arguments arguments) {
  return Value::text(evaluator.run_macro(*code_, closure_, std::move(arguments)));
}

bool Macro::attribute(std::string_view name, Value* out) {
  if (name == "name") {
    *out = Value::text(code_->name);
    return true;
  }
  if (name == "arguments") {
    Values names;
    for (const std::string& parameter : code_->parameters) {
      names.push_back(Value::text(parameter));
    }
    *out = Value::tuple(std::move(names));
    return true;
  }
  return false;
}

std::string Macro::repr(Evaluator& /*evaluator*/) const {
  return fmt::format("<Macro {}>", repr_text(code_->name));
}

Loop::Loop(Values items, Condition condition, int depth0)
    : items_(std::move(items)), condition_(std::move(condition)), depth0_(depth0) {
  for (const Value& item : items_) {
    depth_ = std::max(depth_, item.depth());
  }
  ++depth_;
  if (!condition_) {
    length_ = items_.size();
  }
}

void Loop::allow_recursion(const ForStatement* node, std::shared_ptr<Scope> closure) {
  recursive_ = node;
  closure_ = std::move(closure);
}

/// The condition refers to the evaluation that ends; what it would still let through is given up.
void Loop::release() {
  if (condition_) {
    condition_ = nullptr;
    items_.clear();
    taken_ = 0;
    length_ = static_cast<std::size_t>(index());
  }
}

std::optional<Value> Loop::pull() {
  while (taken_ < items_.size()) {
    const Value& item = items_[taken_++];
    if (!condition_ || condition_(item)) {
      return item;
    }
  }
  return std::nullopt;
}

const std::optional<Value>& Loop::peek() {
  if (!after_) {
    after_ = pull();
  }
  return *after_;
}

std::optional<Value> Loop::next() {
  std::optional<Value> item = peek();
  after_.reset();
  if (!item) {
    after_ = std::optional<Value>();
    return std::nullopt;
  }
  ++index0_;
  before_ = std::move(current_);
  current_ = item;
  return item;
}

std::size_t Loop::length() {
  if (!length_) {
    Values rest;
    while (std::optional<Value> item = pull()) {
      rest.push_back(std::move(*item));
    }
    const bool ahead = after_ && after_->has_value();
    length_ = rest.size() + static_cast<std::size_t>(index()) + (ahead ? 1 : 0);
    items_ = std::move(rest);
    taken_ = 0;
    condition_ = nullptr;
  }
  return *length_;
}

Value Loop::cycle(const Arguments& arguments) const {
  if (arguments.positional.empty()) {
    raise(FailureKind::Type, "no items for cycling given");
  }
  return arguments.positional[static_cast<std::size_t>(index0_) % arguments.positional.size()];
}

bool Loop::changed(Evaluator& evaluator, Values values) {
  if (last_changed_ && equal(evaluator, Value::tuple(*last_changed_), Value::tuple(values))) {
    return false;
  }
  last_changed_ = std::move(values);
  return true;
}

Value Loop::call(Evaluator& evaluator, Arguments arguments) {
  if (recursive_ == nullptr) {
    raise(FailureKind::Type, "The loop must have the 'recursive' marker to be called recursively.");
  }
  const Bound bound("loop", std::move(arguments), {"iterable"}, 1);
  return Value::text(evaluator.run_loop_again(*recursive_, closure_, bound.at(0), depth0_ + 1));
}

bool Loop::attribute(std::string_view name, Value* out) {
  const auto size = [this] { return static_cast<Int>(length()); };
  const auto self = std::static_pointer_cast<Loop>(self_.lock());
  if (name == "index") {
    *out = Value::integer(index());
  } else if (name == "index0") {
    *out = Value::integer(index0_);
  } else if (name == "first") {
    *out = Value::boolean(index0_ == 0);
  } else if (name == "last") {
    *out = Value::boolean(!peek().has_value());
  } else if (name == "length") {
    *out = Value::integer(size());
  } else if (name == "revindex") {
    *out = Value::integer(size() - index0_);
  } else if (name == "revindex0") {
    *out = Value::integer(size() - index());
  } else if (name == "depth" || name == "depth0") {
    *out = Value::integer(Int{depth0_} + (name == "depth" ? 1 : 0));
  } else if (name == "previtem") {
    *out = before_ ? *before_ : Value::undefined("there is no previous item");
  } else if (name == "nextitem") {
    *out = peek() ? *peek() : Value::undefined("there is no next item");
  } else if (name == "cycle") {
    *out = make_function("cycle", [self](Evaluator& /*evaluator*/, Arguments arguments) {
      return self->cycle(arguments);
    });
  } else if (name == "changed") {
    *out = make_function("changed", [self](Evaluator& evaluator, Arguments arguments) {
      return Value::boolean(self->changed(evaluator, std::move(arguments.positional)));
    });
  } else {
    return false;
  }
  return true;
}

std::string Loop::repr(Evaluator& /*evaluator*/) const {
  if (!length_) {
    raise(FailureKind::Unsupported, "printing a loop that has a condition");
  }
  return fmt::format("<LoopContext {}/{}>", print_int(index()), *length_);
}

}  // namespace cajal::jinja
