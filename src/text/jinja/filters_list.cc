#include <algorithm>
#include <array>

#include "text/jinja/attributes.h"
#include "text/jinja/call_arguments.h"
#include "text/jinja/evaluator.h"
#include "text/jinja/filters.h"
#include "text/jinja/operations.h"
#include "text/jinja/stable_sort.h"
#include "text/jinja/unicode.h"

namespace cajal::jinja {
namespace {

Value generator(Values items) {
  return Value::sequence(make_sequence(SequenceKind::Generator, std::move(items)));
}

Value length(Evaluator& /*evaluator*/, const Value& x, Arguments arguments) {
  const Bound bound("length", std::move(arguments), {});
  return Value::size(length_of(x));
}

Value otherwise(Evaluator& /*evaluator*/, const Value& x, Arguments arguments) {
  const Bound bound("default", std::move(arguments), {"default_value", "boolean"});
  const bool absent = x.is_undefined() || (bound.truthy(1) && !x.truthy());
  return absent ? bound.value_or(0, Value::text("")) : x;
}

Value first(Evaluator& evaluator, const Value& x, Arguments arguments) {
  const Bound bound("first", std::move(arguments), {});
  if (x.is_sequence()) {
    Sequence& sequence = x.as_sequence();
    if (sequence.taken < sequence.items.size()) {
      return sequence.items[sequence.one_shot() ? sequence.taken++ : 0];
    }
  } else if (Values items = items_of(evaluator, x); !items.empty()) {
    return std::move(items[0]);
  }
  return Value::undefined("No first item, sequence was empty.");
}

Value last(Evaluator& evaluator, const Value& x, Arguments arguments) {
  const Bound bound("last", std::move(arguments), {});
  need_defined(x);
  if (x.is_sequence() && x.as_sequence().one_shot()) {
    raise(FailureKind::Type, "'{}' object is not reversible", x.type_name());
  }
  Values items = items_of(evaluator, x);
  return items.empty() ? Value::undefined("No last item, sequence was empty.")
                       : std::move(items.back());
}

Value list(Evaluator& evaluator, const Value& x, Arguments arguments) {
  const Bound bound("list", std::move(arguments), {});
  return Value::list(items_of(evaluator, x));
}

Value reverse(Evaluator& evaluator, const Value& x, Arguments arguments) {
  const Bound bound("reverse", std::move(arguments), {});
  Values items = items_of(evaluator, x);
  std::ranges::reverse(items);
  if (x.is_text()) {
    std::string out;
    for (const Value& item : items) {
      out += item.as_text();
    }
    return Value::text(std::move(out), x.text_data().markup);
  }
  if (x.is_undefined() || (x.is_sequence() && x.as_sequence().one_shot())) {
    return Value::list(std::move(items));
  }
  return Value::sequence(make_sequence(SequenceKind::ListIterator, std::move(items)));
}

Value join(Evaluator& evaluator, const Value& x, Arguments arguments) {
  const Bound bound("join", std::move(arguments), {"d", "attribute"});
  const std::string separator = bound.has(0) ? to_text(evaluator, bound.at(0)) : "";
  std::string out;
  bool first_item = true;
  for (const Value& item : items_of(evaluator, x)) {
    out += std::exchange(first_item, false) ? "" : separator;
    out +=
        to_text(evaluator, bound.given(1) ? path_of(evaluator, item, bound.at(1), nullptr) : item);
    evaluator.budget().bytes(separator.size());
    if (out.size() > evaluator.budget().limits().one_value) {
      evaluator.budget().bytes(out.size());  // raises
    }
  }
  return Value::text(std::move(out));
}

Value items(Evaluator& evaluator, const Value& x, Arguments arguments) {
  const Bound bound("items", std::move(arguments), {});
  if (x.is_undefined()) {
    return generator({});
  }
  if (!x.is_dict()) {
    raise(FailureKind::Type, "Can only get item pairs from a mapping.");
  }
  evaluator.budget().steps(x.as_dict().members.size());
  Values out;
  for (const auto& [key, value] : x.as_dict().members) {
    out.push_back(Value::tuple({key, value}));
  }
  return generator(std::move(out));
}

Value folded(const Value& x, bool case_sensitive) {
  return x.is_text() && !case_sensitive ? Value::text(to_lower(x.as_text())) : x;
}

/// Items with the keys they are ordered by, in order; stable, also when reversed.
using Keyed = std::vector<std::pair<Value, Value>>;
void sort_by_key(Evaluator& evaluator, Keyed& keyed, bool reversed) {
  if (reversed) {
    std::ranges::reverse(keyed);
  }
  stable_sort(keyed,
              [&](const auto& a, const auto& b) { return less(evaluator, a.first, b.first); });
  if (reversed) {
    std::ranges::reverse(keyed);
  }
}

Values second_of(const Keyed& keyed) {
  Values out;
  for (const auto& [key, value] : keyed) {
    out.push_back(value);
  }
  return out;
}

Value dict_sort(Evaluator& evaluator, const Value& x, Arguments arguments) {
  const Bound bound("dictsort", std::move(arguments), {"case_sensitive", "by", "reverse"});
  const std::string by = bound.has(1) ? bound.text(1) : "key";
  if (by != "key" && by != "value") {
    raise(FailureKind::Type, "You can only sort by either \"key\" or \"value\"");
  }
  if (!x.is_dict()) {
    need_defined(x);
    raise(FailureKind::Undefined, "'{} object' has no attribute 'items'", x.type_name());
  }
  Keyed keyed;
  for (const auto& [key, value] : x.as_dict().members) {
    keyed.emplace_back(folded(by == "key" ? key : value, bound.truthy(0)),
                       Value::tuple({key, value}));
  }
  evaluator.budget().bytes(keyed.size() * 4 * sizeof(Value));
  sort_by_key(evaluator, keyed, bound.truthy(2));
  return Value::list(second_of(keyed));
}

/// The key of sort(attribute="a,b"): a list of what each path finds.
Value sort_key(Evaluator& evaluator, const Value& item, const Value& attribute,
               bool case_sensitive) {
  if (!attribute.is_text()) {
    return folded(path_of(evaluator, item, attribute, nullptr), case_sensitive);
  }
  Values keys;
  std::string_view rest = attribute.as_text();
  for (std::size_t comma = 0; comma != rest.npos;) {
    comma = rest.find(',');
    const Value path = Value::text(std::string(rest.substr(0, comma)));
    keys.push_back(folded(path_of(evaluator, item, path, nullptr), case_sensitive));
    rest.remove_prefix(comma == rest.npos ? 0 : comma + 1);
  }
  return Value::list(std::move(keys));
}

Value sort(Evaluator& evaluator, const Value& x, Arguments arguments) {
  const Bound bound("sort", std::move(arguments), {"reverse", "case_sensitive", "attribute"});
  Keyed keyed;
  for (const Value& item : items_of(evaluator, x)) {
    keyed.emplace_back(sort_key(evaluator, item, bound.value_or(2, Value::none()), bound.truthy(1)),
                       item);
  }
  sort_by_key(evaluator, keyed, bound.truthy(0));
  return Value::list(second_of(keyed));
}

Value unique(Evaluator& evaluator, const Value& x, Arguments arguments) {
  const Bound bound("unique", std::move(arguments), {"case_sensitive", "attribute"});
  std::vector<std::pair<Value, Value>> seen;
  Values out;
  for (const Value& item : items_of(evaluator, x)) {
    const Value path = bound.value_or(1, Value::none());
    evaluator.budget().steps(seen.size());
    const std::size_t before = seen.size();
    set_member(seen, folded(path_of(evaluator, item, path, nullptr), bound.truthy(0)), {});
    if (seen.size() > before) {
      out.push_back(item);
    }
  }
  return generator(std::move(out));
}

template <bool largest>
Value extreme(Evaluator& evaluator, const Value& x, Arguments arguments) {
  const Bound bound("min", std::move(arguments), {"case_sensitive", "attribute"});
  Value best = Value::undefined("No aggregated item, sequence was empty.");
  Value best_key;
  for (const Value& item : items_of(evaluator, x)) {
    const Value path = bound.value_or(1, Value::none());
    Value key = folded(path_of(evaluator, item, path, nullptr), bound.truthy(0));
    const bool better = best.is_undefined() ||
                        (largest ? less(evaluator, best_key, key) : less(evaluator, key, best_key));
    if (better) {
      best = item;
      best_key = std::move(key);
    }
  }
  return best;
}

Value sum(Evaluator& evaluator, const Value& x, Arguments arguments) {
  const Bound bound("sum", std::move(arguments), {"attribute", "start"});
  Value out = bound.value_or(1, Value::integer(0));
  if (out.is_text()) {
    raise(FailureKind::Type, "sum() can't sum strings [use ''.join(seq) instead]");
  }
  for (const Value& item : items_of(evaluator, x)) {
    out = arithmetic(evaluator, Arithmetic::Add, out,
                     bound.given(0) ? path_of(evaluator, item, bound.at(0), nullptr) : item);
  }
  return out;
}

Value group_by(Evaluator& evaluator, const Value& x, Arguments arguments) {
  const Bound bound("groupby", std::move(arguments), {"attribute", "default", "case_sensitive"}, 1);
  const Value fallback = bound.value_or(1, Value::none());
  Keyed keyed;
  for (const Value& item : items_of(evaluator, x)) {
    keyed.emplace_back(folded(path_of(evaluator, item, bound.at(0), &fallback), bound.truthy(2)),
                       item);
  }
  sort_by_key(evaluator, keyed, false);
  Values out;
  for (std::size_t i = 0; i < keyed.size();) {
    Values group;
    const std::size_t begin = i;
    while (i < keyed.size() && equal(evaluator, keyed[i].first, keyed[begin].first)) {
      group.push_back(keyed[i++].second);
    }
    const Value key =
        path_of(evaluator, group.empty() ? keyed[i++].second : group[0], bound.at(0), &fallback);
    out.push_back(
        Value::sequence(make_sequence(SequenceKind::Group, {key, Value::list(std::move(group))})));
  }
  return Value::list(std::move(out));
}

std::size_t positive(const Bound& bound, std::size_t i) {
  const Int count = bound.integer(i, 0);
  if (count <= 0 || count > 1'000'000) {
    raise(count == 0 ? FailureKind::ZeroDivision : FailureKind::Unsupported, "batch or slice of {}",
          print_int(count));
  }
  return static_cast<std::size_t>(count);
}

Value batch(Evaluator& evaluator, const Value& x, Arguments arguments) {
  const Bound bound("batch", std::move(arguments), {"linecount", "fill_with"}, 1);
  const std::size_t size = positive(bound, 0);
  Values out;
  Values row;
  const auto flush = [&] { out.push_back(Value::list(std::exchange(row, {}))); };
  for (Value& item : items_of(evaluator, x)) {
    if (row.size() == size) {
      flush();
    }
    row.push_back(std::move(item));
  }
  if (!row.empty()) {
    if (bound.given(1)) {
      evaluator.budget().bytes(size * sizeof(Value));
      row.resize(size, bound.at(1));
    }
    flush();
  }
  return generator(std::move(out));
}

Value slice(Evaluator& evaluator, const Value& x, Arguments arguments) {
  const Bound bound("slice", std::move(arguments), {"slices", "fill_with"}, 1);
  const std::size_t count = positive(bound, 0);
  const Values all = items_of(evaluator, x);
  evaluator.budget().bytes(count * 4 * sizeof(Value));
  Values out;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const bool longer = i < all.size() % count;
    const std::size_t end = begin + all.size() / count + (longer ? 1 : 0);
    Values part(all.begin() + static_cast<std::ptrdiff_t>(begin),
                all.begin() + static_cast<std::ptrdiff_t>(end));
    if (bound.given(1) && !longer) {
      part.push_back(bound.at(1));
    }
    out.push_back(Value::list(std::move(part)));
    begin = end;
  }
  return generator(std::move(out));
}

Value attribute(Evaluator& evaluator, const Value& x, Arguments arguments) {
  const Bound bound("attr", std::move(arguments), {"name"}, 1);
  if (x.is_dict() && x.as_dict().find(bound.text(0)) != nullptr) {
    raise(FailureKind::Unsupported, "attr of a dict");
  }
  return attribute_of(evaluator, x, bound.text(0));
}

Value map(Evaluator& evaluator, const Value& x, Arguments arguments) {
  Values out;
  if (!x.truthy()) {
    return generator({});
  }
  if (arguments.positional.empty()) {
    const Bound bound("map", std::move(arguments), {"attribute", "default"}, 1);
    const Value fallback = bound.value_or(1, Value::none());
    for (const Value& item : items_of(evaluator, x)) {
      out.push_back(path_of(evaluator, item, bound.at(0), &fallback));
    }
    return generator(std::move(out));
  }
  const std::string name = to_text(evaluator, arguments.positional[0]);
  arguments.positional.erase(arguments.positional.begin());
  for (const Value& item : items_of(evaluator, x)) {
    out.push_back(evaluator.call_filter(name, item, arguments));
  }
  return generator(std::move(out));
}

/// select, reject, selectattr, rejectattr.
template <bool wanted, bool by_attribute>
Value select(Evaluator& evaluator, const Value& x, Arguments arguments) {
  if (!x.truthy()) {
    return generator({});
  }
  Values& given = arguments.positional;
  if (by_attribute && given.empty()) {
    raise(FailureKind::Type, "Missing parameter for attribute name");
  }
  const Value path = by_attribute ? given[0] : Value::none();
  given.erase(given.begin(), given.begin() + (by_attribute ? 1 : 0));
  const bool tested = !given.empty();
  const std::string name = tested ? to_text(evaluator, given[0]) : "";
  given.erase(given.begin(), given.begin() + (tested ? 1 : 0));
  if (tested && !is_test(name)) {
    raise(FailureKind::Runtime, "No test named '{}'.", name);
  }
  Values out;
  for (const Value& item : items_of(evaluator, x)) {
    const Value subject = by_attribute ? path_of(evaluator, item, path, nullptr) : item;
    const bool holds = tested ? evaluator.call_test(name, subject, arguments) : subject.truthy();
    if (holds == wanted) {
      out.push_back(item);
    }
  }
  return generator(std::move(out));
}

constexpr auto kListFilters = std::to_array<std::pair<std::string_view, Filter>>({
    {"length", length},
    {"count", length},
    {"default", otherwise},
    {"d", otherwise},
    {"first", first},
    {"last", last},
    {"list", list},
    {"reverse", reverse},
    {"join", join},
    {"items", items},
    {"dictsort", dict_sort},
    {"sort", sort},
    {"unique", unique},
    {"min", extreme<false>},
    {"max", extreme<true>},
    {"sum", sum},
    {"groupby", group_by},
    {"batch", batch},
    {"slice", slice},
    {"attr", attribute},
    {"map", map},
    {"select", select<true, false>},
    {"reject", select<false, false>},
    {"selectattr", select<true, true>},
    {"rejectattr", select<false, true>},
});

}  // namespace

Filter list_filter(std::string_view name) {
  const auto* it =
      std::ranges::find(kListFilters, name, &std::pair<std::string_view, Filter>::first);
  return it == kListFilters.end() ? nullptr : it->second;
}

}  // namespace cajal::jinja
