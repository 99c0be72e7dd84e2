#include "text/jinja/attributes.h"

#include <algorithm>

#include "text/jinja/evaluator.h"
#include "text/jinja/methods.h"
#include "text/jinja/operations.h"
#include "text/jinja/unicode.h"

namespace cajal::jinja {
namespace {

/// As error messages call a value: "dict object", but "None".
std::string object_name(const Value& x) {
  return x.is_none() ? "None" : fmt::format("{} object", x.type_name());
}

Value no_attribute(const Value& x, std::string_view name) {
  return Value::undefined(fmt::format("'{}' has no attribute '{}'", object_name(x), name));
}

/// Python's own attributes of the value; those that the reference's sandbox hides are undefined.
std::optional<Value> own_attribute(const Value& x, std::string_view name) {
  if (name.starts_with("__") && name.ends_with("__") && name.size() > 4) {
    return Value::undefined(
        fmt::format("access to attribute '{}' of '{}' object is unsafe.", name, x.type_name()),
        FailureKind::Security);
  }
  if (x.is_object()) {
    Value out;
    return x.as_object()->attribute(name, &out) ? std::optional(out) : std::nullopt;
  }
  if (x.is_sequence() && x.as_sequence().kind == SequenceKind::Group) {
    if (name == "grouper" || name == "list") {
      return x.as_sequence().items[name == "list" ? 1 : 0];
    }
  }
  return method_of(x, name);
}

/// Position of an index that may be negative; nullopt if it is out of range.
std::optional<std::size_t> position(Int index, std::size_t size) {
  const Int at = index < 0 ? index + static_cast<Int>(size) : index;
  if (at < 0 || at >= static_cast<Int>(size)) {
    return std::nullopt;
  }
  return static_cast<std::size_t>(at);
}

std::optional<Value> own_item(Evaluator& evaluator, const Value& x, const Value& index) {
  if (x.is_dict()) {
    evaluator.budget().steps(x.as_dict().members.size() / 8);
    if (index.is_list() || index.is_dict()) {
      return std::nullopt;
    }
    const Value* found = x.as_dict().find(index);
    return found != nullptr ? std::optional(*found) : std::nullopt;
  }
  if (!index.is_integral()) {
    return std::nullopt;
  }
  if (x.is_text()) {
    const auto at = position(index.as_int(), x.text_data().points);
    if (!at) {
      return std::nullopt;
    }
    const std::string_view text = x.as_text();
    evaluator.budget().steps(1 + *at / 64);
    const std::size_t begin = offset_of(text, *at);
    const std::size_t length = offset_of(text.substr(begin), 1);
    return Value::text(std::string(text.substr(begin, length)), x.text_data().markup);
  }
  if (x.is_sequence() && x.as_sequence().indexable()) {
    const auto at = position(index.as_int(), x.as_sequence().items.size());
    return at ? std::optional(x.as_sequence().items[*at]) : std::nullopt;
  }
  return std::nullopt;
}

struct Bounds {
  Int start = 0;
  Int step = 1;
  Int count = 0;
};

Int clamped(Int x, Int size, Int low, Int high) {
  return std::clamp(x < 0 ? x + size : x, low, high);
}

Int bound_value(const Value& bound) {
  if (!bound.is_integral()) {
    need_defined(bound);
    raise(FailureKind::Type, "slice indices must be integers or None or have an __index__ method");
  }
  constexpr Int kFar = Int{1} << 62;  // beyond every size, and safe to add to
  return std::clamp(bound.as_int(), -kFar, kFar);
}

/// As Python's slice.indices.
Bounds bounds_of(Int size, const Value& start, const Value& stop, const Value& step) {
  Bounds out;
  out.step = step.is_none() ? 1 : bound_value(step);
  if (out.step == 0) {
    raise(FailureKind::Value, "slice step cannot be zero");
  }
  const bool forward = out.step > 0;
  const Int low = forward ? 0 : -1;
  const Int high = forward ? size : size - 1;
  out.start =
      start.is_none() ? (forward ? low : high) : clamped(bound_value(start), size, low, high);
  const Int end =
      stop.is_none() ? (forward ? high : low) : clamped(bound_value(stop), size, low, high);
  const Int distance = forward ? end - out.start : out.start - end;
  const Int stride = forward ? out.step : -out.step;
  out.count = distance > 0 ? (distance + stride - 1) / stride : 0;
  return out;
}

Value text_slice(Evaluator& evaluator, const Value& x, const Bounds& bounds) {
  const std::string_view text = x.as_text();
  evaluator.budget().steps(1 + text.size() / 64);
  evaluator.budget().bytes(static_cast<std::uint64_t>(bounds.count) * 4);
  if (bounds.step == 1) {
    const std::size_t begin = offset_of(text, static_cast<std::size_t>(bounds.start));
    const std::string_view rest = text.substr(begin);
    return Value::text(
        std::string(rest.substr(0, offset_of(rest, static_cast<std::size_t>(bounds.count)))),
        x.text_data().markup);
  }
  const Values characters = items_of(evaluator, x);
  std::string out;
  for (Int i = 0; i < bounds.count; ++i) {
    out += characters[static_cast<std::size_t>(bounds.start + i * bounds.step)].as_text();
  }
  return Value::text(std::move(out), x.text_data().markup);
}

}  // namespace

Value attribute_of(Evaluator& evaluator, const Value& x, std::string_view name) {
  need_defined(x);
  if (auto found = own_attribute(x, name)) {
    return *found;
  }
  if (x.is_dict()) {
    evaluator.budget().steps(x.as_dict().members.size() / 8);
    if (const Value* found = x.as_dict().find(name); found != nullptr) {
      return *found;
    }
  }
  return no_attribute(x, name);
}

Value item_of(Evaluator& evaluator, const Value& x, const Value& index) {
  need_defined(x);
  if (auto found = own_item(evaluator, x, index)) {
    return *found;
  }
  if (index.is_text()) {
    if (auto found = own_attribute(x, index.as_text())) {
      return *found;
    }
    return no_attribute(x, index.as_text());
  }
  return Value::undefined(
      fmt::format("{} has no element {}", object_name(x), repr(evaluator, index)));
}

Value slice_of(Evaluator& evaluator, const Value& x, const Value& start, const Value& stop,
               const Value& step) {
  need_defined(x);
  const bool sequence = x.is_list() || x.is_tuple();
  if (!sequence && !x.is_text()) {
    if (x.is_sequence() && x.as_sequence().kind == SequenceKind::Range) {
      raise(FailureKind::Unsupported, "a slice of a range; add | list");
    }
    return Value::undefined(fmt::format("{} has no element slice(...)", object_name(x)));
  }
  const Bounds bounds = bounds_of(static_cast<Int>(length_of(x)), start, stop, step);
  if (x.is_text()) {
    return text_slice(evaluator, x, bounds);
  }
  Values items;
  evaluator.budget().bytes(static_cast<std::uint64_t>(bounds.count) * sizeof(Value));
  for (Int i = 0; i < bounds.count; ++i) {
    items.push_back(
        x.as_sequence().items[static_cast<std::size_t>(bounds.start + i * bounds.step)]);
  }
  return x.is_list() ? Value::list(std::move(items)) : Value::tuple(std::move(items));
}

Value path_of(Evaluator& evaluator, const Value& x, const Value& path, const Value* fallback) {
  Value out = x;
  const auto step = [&](const Value& part) {
    out = item_of(evaluator, out, part);
    if (fallback != nullptr && !fallback->is_none() && out.is_undefined()) {
      out = *fallback;
    }
  };
  if (path.is_none()) {
    return out;
  }
  if (!path.is_text()) {
    step(path);
    return out;
  }
  std::string_view rest = path.as_text();
  while (true) {
    const std::size_t dot = std::min(rest.find('.'), rest.size());
    const std::string_view part = rest.substr(0, dot);
    const bool number = !part.empty() && part.find_first_not_of("0123456789") == part.npos;
    step(number ? Value::integer(int_from(part, 10)) : Value::text(std::string(part)));
    if (dot == rest.size()) {
      return out;
    }
    rest.remove_prefix(dot + 1);
  }
}

}  // namespace cajal::jinja
