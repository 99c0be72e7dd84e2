#include "text/jinja/operations.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "text/find_text.h"
#include "text/jinja/attributes.h"
#include "text/jinja/evaluator.h"
#include "text/jinja/format.h"
#include "text/jinja/text_tools.h"

namespace cajal::jinja {
namespace {

bool equal_items(Evaluator& evaluator, const Values& a, const Values& b) {
  return std::ranges::equal(a, b,
                            [&](const Value& x, const Value& y) { return equal(evaluator, x, y); });
}

bool equal_dicts(Evaluator& evaluator, const Dict& a, const Dict& b) {
  if (a.members.size() != b.members.size()) {
    return false;
  }
  return std::ranges::all_of(a.members, [&](const auto& member) {
    evaluator.budget().steps(b.members.size() / 8);
    const Value* other = b.find(member.first);
    return other != nullptr && equal(evaluator, member.second, *other);
  });
}

bool comparable_sequences(const Value& a, const Value& b) {
  return (a.is_list() && b.is_list()) || (a.is_tuple() && b.is_tuple());
}

bool less_items(Evaluator& evaluator, const Values& a, const Values& b) {
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    if (!equal(evaluator, a[i], b[i])) {
      return less(evaluator, a[i], b[i]);
    }
  }
  return a.size() < b.size();
}

bool ordered(Evaluator& evaluator, const Value& a, const Value& b, std::string_view symbol) {
  need_defined(a);
  need_defined(b);
  evaluator.budget().steps(1);
  if (a.is_integral() && b.is_integral()) {
    return a.as_int() < b.as_int();
  }
  if (a.is_number() && b.is_number()) {
    return a.as_real() < b.as_real();
  }
  if (a.is_text() && b.is_text()) {
    evaluator.budget().steps(std::min(a.as_text().size(), b.as_text().size()) / kBytesPerStep);
    return a.as_text() < b.as_text();  // the order of UTF-8 is that of code points
  }
  if (comparable_sequences(a, b)) {
    return less_items(evaluator, a.as_sequence().items, b.as_sequence().items);
  }
  raise(FailureKind::Type, "'{}' not supported between instances of '{}' and '{}'", symbol,
        a.type_name(), b.type_name());
}

Value repeated(Evaluator& evaluator, const Value& x, Int count) {
  const auto times = static_cast<double>(std::max(count, Int{0}));
  const std::size_t unit =
      x.is_text() ? x.as_text().size() : x.as_sequence().items.size() * sizeof(Value);
  const double bytes = times * static_cast<double>(unit);
  // A double above the limit would not fit the integer.
  evaluator.budget().bytes(bytes > 1e15 ? std::uint64_t{1} << 50U
                                        : static_cast<std::uint64_t>(bytes));
  const std::size_t n = unit == 0 ? 0 : static_cast<std::size_t>(times);
  if (x.is_text()) {
    std::string out;
    out.reserve(n * unit);
    for (std::size_t i = 0; i < n; ++i) {
      out += x.as_text();
    }
    return Value::text(std::move(out), x.text_data().markup);
  }
  Values out;
  for (std::size_t i = 0; i < n; ++i) {
    out.insert(out.end(), x.as_sequence().items.begin(), x.as_sequence().items.end());
  }
  return x.is_list() ? Value::list(std::move(out)) : Value::tuple(std::move(out));
}

bool repeatable(const Value& x) {
  return x.is_text() || x.is_list() || x.is_tuple();
}

Value joined_text(Evaluator& evaluator, const Value& a, const Value& b) {
  evaluator.budget().bytes(a.as_text().size() + b.as_text().size());
  const bool markup = a.text_data().markup || b.text_data().markup;
  const auto part = [markup](const Value& x) {
    return markup && !x.text_data().markup ? escaped(x.as_text()) : x.as_text();
  };
  return Value::text(part(a) + part(b), markup);
}

Value added(Evaluator& evaluator, const Value& a, const Value& b) {
  if (a.is_text() && b.is_text()) {
    return joined_text(evaluator, a, b);
  }
  if (comparable_sequences(a, b)) {
    Values items = a.as_sequence().items;
    evaluator.budget().bytes((items.size() + b.as_sequence().items.size()) * sizeof(Value));
    items.insert(items.end(), b.as_sequence().items.begin(), b.as_sequence().items.end());
    return a.is_list() ? Value::list(std::move(items)) : Value::tuple(std::move(items));
  }
  if (a.is_text() || a.is_list() || a.is_tuple()) {
    raise(FailureKind::Type, "can only concatenate {0} (not \"{1}\") to {0}", a.type_name(),
          b.type_name());
  }
  raise(FailureKind::Type, "unsupported operand type(s) for +: '{}' and '{}'", a.type_name(),
        b.type_name());
}

}  // namespace

void need_defined(const Value& x) {
  if (x.is_undefined()) {
    throw TemplateFailure(x.as_undefined().kind, x.as_undefined().message);
  }
}

bool equal(Evaluator& evaluator, const Value& a, const Value& b) {
  evaluator.budget().steps(1);
  if (a.is_integral() && b.is_integral()) {
    return a.as_int() == b.as_int();
  }
  if (a.is_number() && b.is_number()) {
    return a.as_real() == b.as_real();
  }
  if (a.is_text() && b.is_text()) {
    if (a.as_text().size() != b.as_text().size()) {
      return false;
    }
    evaluator.budget().steps(a.as_text().size() / kBytesPerStep);
    return a.as_text() == b.as_text();
  }
  if (a.is_sequence() && b.is_sequence()) {
    const bool alike = a.as_sequence().kind == b.as_sequence().kind || comparable_sequences(a, b);
    if (!alike || a.as_sequence().one_shot() || a.as_sequence().kind == SequenceKind::ValuesView) {
      return a.same_as(b);
    }
    return equal_items(evaluator, a.as_sequence().items, b.as_sequence().items);
  }
  if (a.is_dict() && b.is_dict()) {
    return equal_dicts(evaluator, a.as_dict(), b.as_dict());
  }
  return (a.is_undefined() && b.is_undefined()) || a.same_as(b);
}

bool less(Evaluator& evaluator, const Value& a, const Value& b) {
  return ordered(evaluator, a, b, "<");
}

bool compare(Evaluator& evaluator, Comparison operation, const Value& a, const Value& b) {
  const bool nan =
      (a.is_real() && std::isnan(a.as_real())) || (b.is_real() && std::isnan(b.as_real()));
  switch (operation) {
    case Comparison::Equal:
      return equal(evaluator, a, b);
    case Comparison::NotEqual:
      return !equal(evaluator, a, b);
    case Comparison::Less:
      return ordered(evaluator, a, b, "<");
    case Comparison::LessEqual:
      return !ordered(evaluator, b, a, "<=") && !nan;
    case Comparison::Greater:
      return ordered(evaluator, b, a, ">");
    case Comparison::GreaterEqual:
      return !ordered(evaluator, a, b, ">=") && !nan;
    case Comparison::In:
      return contains(evaluator, b, a);
    case Comparison::NotIn:
      return !contains(evaluator, b, a);
  }
  return false;
}

bool contains(Evaluator& evaluator, const Value& container, const Value& item) {
  if (container.is_text()) {
    if (!item.is_text()) {
      raise(FailureKind::Type, "'in <string>' requires string as left operand, not {}",
            item.type_name());
    }
    charge_search(evaluator, container.as_text(), item.as_text());
    return Finder(item.as_text()).next(container.as_text(), 0) != Finder::kNone;
  }
  if (container.is_dict()) {
    evaluator.budget().steps(container.as_dict().members.size() / 8);
    return container.as_dict().find(item) != nullptr;
  }
  if (!iterable(container)) {
    raise(FailureKind::Type, "argument of type '{}' is not iterable", container.type_name());
  }
  const Values items = items_of(evaluator, container);
  return std::ranges::any_of(
      items, [&](const Value& x) { return x.same_as(item) || equal(evaluator, x, item); });
}

Value arithmetic(Evaluator& evaluator, Arithmetic operation, const Value& a, const Value& b) {
  if (operation == Arithmetic::Modulo && a.is_text()) {
    return format_percent(evaluator, a, b);
  }
  need_defined(a);
  need_defined(b);
  if (a.is_number() && b.is_number()) {
    return compute(operation, a, b);
  }
  if (operation == Arithmetic::Add) {
    return added(evaluator, a, b);
  }
  if (operation == Arithmetic::Multiply && repeatable(a) && b.is_integral()) {
    return repeated(evaluator, a, b.as_int());
  }
  if (operation == Arithmetic::Multiply && a.is_integral() && repeatable(b)) {
    return repeated(evaluator, b, a.as_int());
  }
  raise(FailureKind::Type, "unsupported operand type(s) for {}: '{}' and '{}'",
        symbol_of(operation), a.type_name(), b.type_name());
}

Value signed_value(const Value& x, bool negative) {
  need_defined(x);
  if (!x.is_number()) {
    raise(FailureKind::Type, "bad operand type for unary {}: '{}'", negative ? "-" : "+",
          x.type_name());
  }
  if (negative) {
    return negated(x);
  }
  return x.is_real() ? x : Value::integer(x.as_int());
}

std::size_t length_of(const Value& x) {
  if (x.is_text()) {
    return x.text_data().points;
  }
  if (x.is_sequence() && !x.as_sequence().one_shot()) {
    return x.as_sequence().items.size();
  }
  if (x.is_dict()) {
    return x.as_dict().members.size();
  }
  if (x.is_undefined()) {
    return 0;
  }
  raise(FailureKind::Type, "object of type '{}' has no len()", x.type_name());
}

bool iterable(const Value& x) noexcept {
  return x.is_text() || x.is_sequence() || x.is_dict() || x.is_undefined();
}

namespace {

Values characters_of(std::string_view text) {
  Values out;
  while (!text.empty()) {
    std::size_t length = 1;
    while (length < text.size() && (static_cast<unsigned char>(text[length]) & 0xC0U) == 0x80U) {
      ++length;
    }
    out.push_back(Value::text(std::string(text.substr(0, length))));
    text.remove_prefix(length);
  }
  return out;
}

}  // namespace

Values items_of(Evaluator& evaluator, const Value& x) {
  const auto charge = [&](std::size_t count) {
    evaluator.budget().steps(count);
    evaluator.budget().bytes(count * sizeof(Value));
  };
  if (x.is_text()) {
    charge(x.text_data().points * 3);  // each becomes a text of its own
    return characters_of(x.as_text());
  }
  if (x.is_sequence()) {
    Sequence& sequence = x.as_sequence();
    charge(sequence.items.size() - sequence.taken);
    const auto begin = sequence.items.begin() + static_cast<std::ptrdiff_t>(sequence.taken);
    Values out(begin, sequence.items.end());
    if (sequence.one_shot()) {
      sequence.taken = sequence.items.size();
    }
    return out;
  }
  if (x.is_dict()) {
    charge(x.as_dict().members.size());
    Values out;
    for (const auto& [key, value] : x.as_dict().members) {
      out.push_back(key);
    }
    return out;
  }
  if (!x.is_undefined()) {
    raise(FailureKind::Type, "'{}' object is not iterable", x.type_name());
  }
  return {};
}

}  // namespace cajal::jinja
