// Walks the tree and writes the text. One evaluator renders one template once; it is not shared
// between threads.
#pragma once

#include <ctime>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text/jinja/ast.h"
#include "text/jinja/budget.h"
#include "text/jinja/value.h"

namespace cajal::jinja {

/// The names of one block. Lookups go on in the parent.
struct Scope {
  std::shared_ptr<Scope> parent;
  std::vector<std::pair<std::string, Value>> names;

  const Value* find(std::string_view name) const;
  void set(std::string_view name, Value value);
};

/// Part of the output that `generation` blocks wrote, in bytes.
struct Span {
  std::size_t begin = 0;
  std::size_t end = 0;
};

class Evaluator {
 public:
  Evaluator(std::shared_ptr<Scope> globals, const Limits& limits, const std::tm& now);
  Evaluator(const Evaluator&) = delete;
  Evaluator& operator=(const Evaluator&) = delete;
  ~Evaluator();

  /// The text of the template.
  std::string run(const Body& body);
  const std::vector<Span>& generated() const noexcept { return generated_; }
  int line() const noexcept { return line_; }
  Budget& budget() noexcept { return budget_; }
  const std::tm& now() const noexcept { return now_; }

  Value evaluate(const Expression& expression);
  Value call(const Value& function, Arguments arguments);
  /// Raise Assertion if there is no filter or test of that name.
  Value call_filter(std::string_view name, const Value& x, Arguments arguments);
  bool call_test(std::string_view name, const Value& x, const Arguments& arguments);
  /// Body of a macro in a scope whose parent is `closure`.
  std::string run_macro(const MacroCode& code, const std::shared_ptr<Scope>& closure,
                        Arguments arguments);
  /// One loop, or one level of a recursive one.
  std::string run_loop_again(const ForStatement& loop, const std::shared_ptr<Scope>& closure,
                             const Value& iterable, int depth);
  bool assign(Scope& scope, const Expression& target, const Value& value);

  /// Objects that can be part of a cycle are emptied by the destructor.
  void keep(std::function<void()> release) { releases_.push_back(std::move(release)); }

  /// Counts one nested evaluation for its lifetime.
  class Level {
   public:
    explicit Level(Evaluator& evaluator);
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;
    ~Level() { --evaluator_.depth_; }

   private:
    Evaluator& evaluator_;
  };

 private:
  enum class Flow : std::uint8_t { Next, Break, Continue };

  // execute.cc
  Flow execute(const Body& body);
  Flow run_statement(const TextStatement& node);
  Flow run_statement(const PrintStatement& node);
  Flow run_statement(const IfStatement& node);
  Flow run_statement(const ForStatement& node);
  Flow run_statement(const SetStatement& node);
  Flow run_statement(const SetBlockStatement& node);
  Flow run_statement(const WithStatement& node);
  Flow run_statement(const MacroStatement& node);
  Flow run_statement(const CallStatement& node);
  Flow run_statement(const FilterStatement& node);
  Flow run_statement(const GenerationStatement& node);
  static Flow run_statement(const BreakStatement& /*node*/) { return Flow::Break; }
  static Flow run_statement(const ContinueStatement& /*node*/) { return Flow::Continue; }
  void loop(const ForStatement& node, const Value& iterable, int depth);
  std::string captured(const std::function<void()>& body);
  void in_new_scope(const std::function<void()>& body);
  void write(std::string_view text);
  Value through_filters(const Expression& filter, std::string text);
  Value macro_value(std::shared_ptr<const MacroCode> code);
  void bind_parameters(const MacroCode& code, Arguments& arguments);

  // evaluator.cc
  Value value_of(const LiteralNode& node);
  Value value_of(const NameNode& node);
  Value value_of(const NamespaceNode& node);
  Value value_of(const TupleNode& node);
  Value value_of(const ListNode& node);
  Value value_of(const DictNode& node);
  Value value_of(const SignNode& node);
  Value value_of(const NotNode& node);
  Value value_of(const ArithmeticNode& node);
  Value value_of(const ConcatNode& node);
  Value value_of(const CompareNode& node);
  Value value_of(const LogicalNode& node);
  Value value_of(const ConditionalNode& node);
  Value value_of(const AttributeNode& node);
  Value value_of(const ItemNode& node);
  Value value_of(const SliceNode& node);
  Value value_of(const CallNode& node);
  Value value_of(const FilterNode& node);
  Value value_of(const PredicateNode& node);
  Values values_of(const Expressions& expressions);
  Arguments arguments_of(const CallArguments& arguments);

  std::shared_ptr<Scope> scope_;
  Budget budget_;
  std::tm now_;
  int line_ = 1;
  int depth_ = 0;
  std::string top_;           // what is written for good
  std::string* out_ = &top_;  // where writing goes now
  std::vector<Span> generated_;
  const Value* filtered_ = nullptr;  // operand of a FilterNode that has none
  std::vector<std::function<void()>> releases_;
};

}  // namespace cajal::jinja
