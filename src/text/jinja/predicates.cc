// Jinja's tests: what may stand after `is`, and in select and reject.
#include <algorithm>
#include <array>

#include "text/jinja/call_arguments.h"
#include "text/jinja/evaluator.h"
#include "text/jinja/filters.h"
#include "text/jinja/operations.h"
#include "text/jinja/text_tools.h"

namespace cajal::jinja {
namespace {

using Test = bool (*)(Evaluator&, const Value&, const Value*);

struct Entry {
  std::string_view name;
  std::size_t arguments;  // exactly so many
  Test test;
};

bool modulo_is(Evaluator& evaluator, const Value& x, Int divisor, Int wanted) {
  const Value rest = arithmetic(evaluator, Arithmetic::Modulo, x, Value::integer(divisor));
  return equal(evaluator, rest, Value::integer(wanted));
}

template <Comparison operation>
bool compares(Evaluator& evaluator, const Value& x, const Value* other) {
  return compare(evaluator, operation, x, *other);
}

bool is_integer(Evaluator&, const Value& x, const Value*) {
  return x.is_int();
}
bool is_mapping(Evaluator&, const Value& x, const Value*) {
  return x.is_dict();
}

bool is_sequence(Evaluator&, const Value& x, const Value*) {
  return x.is_text() || x.is_dict() || x.is_undefined() ||
         (x.is_sequence() && x.as_sequence().indexable());
}

constexpr auto kTests = std::to_array<Entry>({
    {"defined", 0, [](Evaluator&, const Value& x, const Value*) { return !x.is_undefined(); }},
    {"undefined", 0, [](Evaluator&, const Value& x, const Value*) { return x.is_undefined(); }},
    {"none", 0, [](Evaluator&, const Value& x, const Value*) { return x.is_none(); }},
    {"boolean", 0, [](Evaluator&, const Value& x, const Value*) { return x.is_bool(); }},
    {"true", 0, [](Evaluator&, const Value& x, const Value*) { return x.is_true(); }},
    {"false", 0,
     [](Evaluator&, const Value& x, const Value*) { return x.is_bool() && !x.is_true(); }},
    {"integer", 0, is_integer},
    {"float", 0, [](Evaluator&, const Value& x, const Value*) { return x.is_real(); }},
    {"number", 0, [](Evaluator&, const Value& x, const Value*) { return x.is_number(); }},
    {"string", 0, [](Evaluator&, const Value& x, const Value*) { return x.is_text(); }},
    {"mapping", 0, is_mapping},
    {"sequence", 0, is_sequence},
    {"iterable", 0, [](Evaluator&, const Value& x, const Value*) { return iterable(x); }},
    {"callable", 0,
     [](Evaluator&, const Value& x, const Value*) {
       return x.is_undefined() || (x.is_object() && x.as_object()->callable());
     }},
    {"escaped", 0,
     [](Evaluator&, const Value& x, const Value*) { return x.is_text() && x.text_data().markup; }},
    {"odd", 0, [](Evaluator& e, const Value& x, const Value*) { return modulo_is(e, x, 2, 1); }},
    {"even", 0, [](Evaluator& e, const Value& x, const Value*) { return modulo_is(e, x, 2, 0); }},
    {"divisibleby", 1,
     [](Evaluator& e, const Value& x, const Value* other) {
       return equal(e, arithmetic(e, Arithmetic::Modulo, x, *other), Value::integer(0));
     }},
    {"lower", 0,
     [](Evaluator& e, const Value& x, const Value*) {
       return all_in_case(to_text(e, x), Case::Lower);
     }},
    {"upper", 0,
     [](Evaluator& e, const Value& x, const Value*) {
       return all_in_case(to_text(e, x), Case::Upper);
     }},
    {"sameas", 1, [](Evaluator&, const Value& x, const Value* other) { return x.same_as(*other); }},
    {"in", 1,
     [](Evaluator& e, const Value& x, const Value* other) { return contains(e, *other, x); }},
    {"filter", 0,
     [](Evaluator& e, const Value& x, const Value*) { return is_filter(to_text(e, x)); }},
    {"test", 0, [](Evaluator& e, const Value& x, const Value*) { return is_test(to_text(e, x)); }},
    {"eq", 1, compares<Comparison::Equal>},
    {"equalto", 1, compares<Comparison::Equal>},
    {"==", 1, compares<Comparison::Equal>},
    {"ne", 1, compares<Comparison::NotEqual>},
    {"!=", 1, compares<Comparison::NotEqual>},
    {"lt", 1, compares<Comparison::Less>},
    {"lessthan", 1, compares<Comparison::Less>},
    {"<", 1, compares<Comparison::Less>},
    {"le", 1, compares<Comparison::LessEqual>},
    {"<=", 1, compares<Comparison::LessEqual>},
    {"gt", 1, compares<Comparison::Greater>},
    {"greaterthan", 1, compares<Comparison::Greater>},
    {">", 1, compares<Comparison::Greater>},
    {"ge", 1, compares<Comparison::GreaterEqual>},
    {">=", 1, compares<Comparison::GreaterEqual>},
});

const Entry* find_test(std::string_view name) {
  const auto* it = std::ranges::find(kTests, name, &Entry::name);
  return it == kTests.end() ? nullptr : it;
}

}  // namespace

bool is_test(std::string_view name) {
  return find_test(name) != nullptr;
}

bool Evaluator::call_test(std::string_view name, const Value& x, const Arguments& arguments) {
  budget_.steps(1 + (x.is_text() ? x.as_text().size() / kBytesPerStep : 0));
  const Entry* entry = find_test(name);
  if (entry == nullptr) {
    raise(FailureKind::Assertion, "No test named '{}'.", name);
  }
  const std::size_t given = arguments.positional.size() + arguments.named.size();
  if (given != entry->arguments) {
    raise(FailureKind::Type, "the test '{}' takes {} argument(s), not {}", name, entry->arguments,
          given);
  }
  const Value* other = given == 0                     ? nullptr
                       : arguments.positional.empty() ? &arguments.named[0].second
                                                      : arguments.positional.data();
  return entry->test(*this, x, other);
}

}  // namespace cajal::jinja
