#include "text/jinja/methods.h"

#include <algorithm>
#include <array>

#include "text/jinja/call_arguments.h"
#include "text/jinja/evaluator.h"
#include "text/jinja/objects.h"
#include "text/jinja/operations.h"

namespace cajal::jinja {
namespace {

template <std::size_t N>
bool is_one_of(const std::array<std::string_view, N>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

Value unsafe(const Value& x, std::string_view name) {
  return Value::undefined(
      fmt::format("access to attribute '{}' of '{}' object is unsafe.", name, x.type_name()),
      FailureKind::Security);
}

Value unsupported_method(const Value& x, std::string_view name) {
  std::string what = fmt::format("the method {}.{}", x.type_name(), name);
  return make_function(std::string(name), [what](Evaluator&, const Arguments&) -> Value {
    raise(FailureKind::Unsupported, "{}", what);
  });
}

Value dict_view(const Value& x, SequenceKind kind) {
  Sequence out = make_sequence(kind, {});
  for (const auto& [key, value] : x.as_dict().members) {
    out.items.push_back(kind == SequenceKind::KeysView     ? key
                        : kind == SequenceKind::ValuesView ? value
                                                           : Value::tuple({key, value}));
  }
  return Value::sequence(std::move(out));
}

std::optional<Value> dict_method(const Value& x, std::string_view name) {
  constexpr auto kChanging =
      std::to_array<std::string_view>({"clear", "pop", "popitem", "setdefault", "update"});
  if (is_one_of(kChanging, name)) {
    return unsafe(x, name);
  }
  const auto view = [&](SequenceKind kind) {
    return make_function(
        std::string(name),
        [x, kind](Evaluator& evaluator, Arguments arguments) {
          const Bound bound("dict view", std::move(arguments), {});
          evaluator.budget().steps(x.as_dict().members.size());
          evaluator.budget().bytes(x.as_dict().members.size() * 3 * sizeof(Value));
          return dict_view(x, kind);
        },
        x.depth());
  };
  if (name == "items") {
    return view(SequenceKind::ItemsView);
  }
  if (name == "keys") {
    return view(SequenceKind::KeysView);
  }
  if (name == "values") {
    return view(SequenceKind::ValuesView);
  }
  if (name == "get") {
    return make_function(
        "get",
        [x](Evaluator& evaluator, Arguments arguments) {
          const Bound bound("get", std::move(arguments), {"key", "default"}, 1);
          evaluator.budget().steps(x.as_dict().members.size() / 8);
          const Value* found = x.as_dict().find(bound.at(0));
          return found != nullptr ? *found : bound.value_or(1, Value::none());
        },
        x.depth());
  }
  if (name == "copy") {
    return make_function("copy", [x](Evaluator&, const Arguments&) { return x; }, x.depth());
  }
  return name == "fromkeys" ? std::optional(unsupported_method(x, name)) : std::nullopt;
}

Value index_in(Evaluator& evaluator, const Value& x, Arguments arguments) {
  const Bound bound("index", std::move(arguments), {"value"}, 1);
  const Values& items = x.as_sequence().items;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (equal(evaluator, items[i], bound.at(0))) {
      return Value::size(i);
    }
  }
  raise(FailureKind::Value, "{} is not in {}", repr(evaluator, bound.at(0)), x.type_name());
}

Value count_in(Evaluator& evaluator, const Value& x, Arguments arguments) {
  const Bound bound("count", std::move(arguments), {"value"}, 1);
  const Values& items = x.as_sequence().items;
  return Value::integer(std::ranges::count_if(
      items, [&](const Value& item) { return equal(evaluator, item, bound.at(0)); }));
}

std::optional<Value> sequence_method(const Value& x, std::string_view name) {
  constexpr auto kChanging = std::to_array<std::string_view>(
      {"append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort"});
  if (x.is_list() && is_one_of(kChanging, name)) {
    return unsafe(x, name);
  }
  if (!x.is_list() && !x.is_tuple()) {
    return std::nullopt;
  }
  if (name == "index") {
    return make_function(
        "index", [x](Evaluator& e, Arguments a) { return index_in(e, x, std::move(a)); },
        x.depth());
  }
  if (name == "count") {
    return make_function(
        "count", [x](Evaluator& e, Arguments a) { return count_in(e, x, std::move(a)); },
        x.depth());
  }
  if (name == "copy" && x.is_list()) {
    return make_function("copy", [x](Evaluator&, const Arguments&) { return x; }, x.depth());
  }
  return std::nullopt;
}

std::optional<Value> number_method(const Value& x, std::string_view name) {
  constexpr auto kOfInt = std::to_array<std::string_view>(
      {"as_integer_ratio", "bit_count", "bit_length", "conjugate", "denominator", "from_bytes",
       "imag", "numerator", "real", "to_bytes"});
  constexpr auto kOfReal = std::to_array<std::string_view>(
      {"as_integer_ratio", "conjugate", "fromhex", "hex", "imag", "is_integer", "real"});
  const bool known = x.is_real() ? is_one_of(kOfReal, name) : is_one_of(kOfInt, name);
  return known ? std::optional(unsupported_method(x, name)) : std::nullopt;
}

}  // namespace

std::optional<Value> method_of(const Value& x, std::string_view name) {
  if (x.is_text()) {
    constexpr auto kUnsupported = std::to_array<std::string_view>(
        {"casefold", "encode", "expandtabs", "format_map", "isascii", "isidentifier", "isprintable",
         "istitle", "maketrans", "translate"});
    return is_one_of(kUnsupported, name) ? unsupported_method(x, name) : text_method(x, name);
  }
  if (x.is_dict()) {
    return dict_method(x, name);
  }
  if (x.is_sequence()) {
    return sequence_method(x, name);
  }
  return x.is_number() ? number_method(x, name) : std::nullopt;
}

}  // namespace cajal::jinja
