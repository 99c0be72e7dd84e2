// The things of the template language that can be called or changed.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text/jinja/evaluator.h"
#include "text/jinja/value.h"

namespace cajal::jinja {

/// A function of the environment, or a method bound to its value.
class Function final : public Object {
 public:
  using Body = std::function<Value(Evaluator&, Arguments)>;
  Function(std::string name, Body body, int depth = 0)
      : name_(std::move(name)), body_(std::move(body)), depth_(depth) {}
  std::string_view type_name() const noexcept override { return "function"; }
  bool callable() const noexcept override { return true; }
  Value call(Evaluator& evaluator, Arguments arguments) override {
    return body_(evaluator, std::move(arguments));
  }
  int depth() const noexcept override { return depth_; }

 private:
  std::string name_;
  Body body_;
  int depth_;
};

Value make_function(std::string name, Function::Body body, int depth = 0);

/// namespace(...): the only thing that `set ns.x = ...` may change.
class Namespace final : public Object {
 public:
  std::string_view type_name() const noexcept override { return "Namespace"; }
  bool attribute(std::string_view name, Value* out) override;
  std::string repr(Evaluator& evaluator) const override;
  /// Raises Security for names that begin with an underscore.
  void set(Value name, Value value);
  void clear() { members_.clear(); }

 private:
  std::vector<std::pair<Value, Value>> members_;
};

class Macro final : public Object {
 public:
  Macro(std::shared_ptr<const MacroCode> code, std::shared_ptr<Scope> closure)
      : code_(std::move(code)), closure_(std::move(closure)) {}
  std::string_view type_name() const noexcept override { return "Macro"; }
  bool callable() const noexcept override { return true; }
  Value call(Evaluator& evaluator, Arguments arguments) override;
  bool attribute(std::string_view name, Value* out) override;
  std::string repr(Evaluator& evaluator) const override;

 private:
  std::shared_ptr<const MacroCode> code_;
  std::shared_ptr<Scope> closure_;
};

/// `loop` inside a for: pulls items one by one, so that a condition sees what the body changed.
class Loop final : public Object {
 public:
  using Condition = std::function<bool(const Value&)>;
  Loop(Values items, Condition condition, int depth0);

  /// The next item, or nullopt at the end.
  std::optional<Value> next();
  void allow_recursion(const ForStatement* node, std::shared_ptr<Scope> closure);

  std::string_view type_name() const noexcept override { return "LoopContext"; }
  bool callable() const noexcept override { return true; }
  Value call(Evaluator& evaluator, Arguments arguments) override;
  bool attribute(std::string_view name, Value* out) override;
  std::string repr(Evaluator& evaluator) const override;
  int depth() const noexcept override { return depth_; }
  std::size_t length();
  Value cycle(const Arguments& arguments) const;
  bool changed(Evaluator& evaluator, Values values);
  void release();

 private:
  std::optional<Value> pull();
  const std::optional<Value>& peek();
  Int index() const noexcept { return index0_ + 1; }

  Values items_;
  std::size_t taken_ = 0;
  Condition condition_;
  std::optional<std::optional<Value>> after_;  // what was looked at ahead; inner nullopt: the end
  std::optional<Value> before_;
  std::optional<Value> current_;
  std::optional<std::size_t> length_;
  std::optional<Values> last_changed_;
  const ForStatement* recursive_ = nullptr;
  std::shared_ptr<Scope> closure_;
  std::weak_ptr<Object> self_;
  Int index0_ = -1;
  int depth0_;
  int depth_ = 0;

 public:
  void set_self(const std::shared_ptr<Object>& self) { self_ = self; }
};

/// range, dict, namespace, cycler, joiner, raise_exception, strftime_now; names that the reference
/// has but that cannot be reproduced (lipsum) raise Unsupported when called.
std::shared_ptr<Scope> make_globals();

}  // namespace cajal::jinja
