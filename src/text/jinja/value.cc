#include "text/jinja/value.h"

#include <algorithm>
#include <cmath>

#include "base/utf8.h"
#include "text/jinja/numbers.h"

namespace cajal::jinja {
namespace {

int deepest(const Values& items) noexcept {
  int depth = 0;
  for (const Value& item : items) {
    depth = std::max(depth, item.depth());
  }
  return depth;
}

int checked_depth(int depth) {
  if (depth > kMaxDepth) {
    raise(FailureKind::Limit, "a value is nested more than {} levels deep", kMaxDepth);
  }
  return depth;
}

bool same_key(const Value& a, const Value& b) {
  if (a.is_text() || b.is_text()) {
    return a.is_text() && b.is_text() && a.as_text() == b.as_text();
  }
  if (a.is_integral() && b.is_integral()) {
    return a.as_int() == b.as_int();
  }
  if (a.is_number() && b.is_number()) {
    return a.as_real() == b.as_real();
  }
  if (a.is_tuple() && b.is_tuple()) {
    return std::ranges::equal(a.as_sequence().items, b.as_sequence().items, same_key);
  }
  return (a.is_none() && b.is_none()) || a.same_as(b);
}

void check_hashable(const Value& key) {
  if (key.is_list() || key.is_dict()) {
    raise(FailureKind::Type, "unhashable type: '{}'", key.type_name());
  }
  if (key.is_tuple()) {
    std::ranges::for_each(key.as_sequence().items, check_hashable);
  }
}

}  // namespace

Value Value::text(std::string bytes, bool markup) {
  auto data = std::make_shared<Text>();
  data->points = count_code_points(bytes);
  data->bytes = std::move(bytes);
  data->markup = markup;
  return Value(Data(TextPtr(std::move(data))));
}

Value Value::list(Values items) {
  return sequence(make_sequence(SequenceKind::List, std::move(items)));
}

Value Value::tuple(Values items) {
  return sequence(make_sequence(SequenceKind::Tuple, std::move(items)));
}

Value Value::sequence(Sequence sequence) {
  sequence.depth = checked_depth(deepest(sequence.items) + 1);
  return Value(Data(std::make_shared<Sequence>(std::move(sequence))));
}

Value Value::dict(std::vector<std::pair<Value, Value>> members) {
  auto data = std::make_shared<Dict>();
  for (const auto& [key, value] : members) {
    data->depth = std::max({data->depth, key.depth(), value.depth()});
  }
  data->depth = checked_depth(data->depth + 1);
  data->members = std::move(members);
  return Value(Data(DictPtr(std::move(data))));
}

Value Value::object(std::shared_ptr<Object> object) {
  checked_depth(object->depth());
  return Value(Data(std::move(object)));
}

Value Value::undefined(std::string message, FailureKind kind) {
  return Value(
      Data(UndefinedPtr(std::make_shared<Undefined>(Undefined{std::move(message), kind}))));
}

Value Value::from_json(const Json& json) {
  if (json.is_bool()) {
    return boolean(json.as_bool(""));
  }
  if (json.is_int()) {
    return integer(json.as_int(""));
  }
  if (const std::string* digits = json.big_integer(); digits != nullptr) {
    const bool negative = digits->starts_with('-');
    const Int magnitude = int_from(std::string_view(*digits).substr(negative ? 1 : 0), 10);
    return integer(negative ? -magnitude : magnitude);
  }
  if (json.is_double()) {
    return real(json.as_double(""));
  }
  if (json.is_string()) {
    return text(sanitize_utf8(json.as_string("")));
  }
  if (json.is_array()) {
    Values items;
    for (const Json& item : json.as_array("")) {
      items.push_back(from_json(item));
    }
    return list(std::move(items));
  }
  if (json.is_object()) {
    std::vector<std::pair<Value, Value>> members;
    for (const auto& [name, value] : json.as_object("")) {
      members.emplace_back(text(sanitize_utf8(name)), from_json(value));
    }
    return dict(std::move(members));
  }
  return none();
}

Sequence make_sequence(SequenceKind kind, Values items) {
  Sequence out;
  out.kind = kind;
  out.items = std::move(items);
  return out;
}

bool Value::is_list() const noexcept {
  return is_sequence() && as_sequence().kind == SequenceKind::List;
}

bool Value::is_tuple() const noexcept {
  return is_sequence() &&
         (as_sequence().kind == SequenceKind::Tuple || as_sequence().kind == SequenceKind::Group);
}

double Value::as_real() const {
  return is_real() ? std::get<double>(data_) : static_cast<double>(as_int());
}

int Value::depth() const noexcept {
  if (is_sequence()) {
    return as_sequence().depth;
  }
  if (is_dict()) {
    return as_dict().depth;
  }
  return is_object() ? as_object()->depth() : 0;
}

bool Value::same_as(const Value& other) const noexcept {
  if (data_.index() != other.data_.index()) {
    return false;
  }
  if (is_text()) {
    return std::get<TextPtr>(data_) == std::get<TextPtr>(other.data_) ||
           as_text() == other.as_text();
  }
  if (is_undefined()) {
    return std::get<UndefinedPtr>(data_) == std::get<UndefinedPtr>(other.data_);
  }
  return data_ == other.data_;
}

std::string_view Value::type_name() const noexcept {
  constexpr std::string_view kScalars[] = {"NoneType", "bool", "int", "float"};
  constexpr std::string_view kSequences[] = {"list",       "tuple",     "_GroupTuple",
                                             "range",      "dict_keys", "dict_values",
                                             "dict_items", "generator", "list_reverseiterator"};
  if (is_text()) {
    return text_data().markup ? "Markup" : "str";
  }
  if (is_sequence()) {
    return kSequences[static_cast<std::size_t>(as_sequence().kind)];
  }
  if (is_dict()) {
    return "dict";
  }
  if (is_object()) {
    return as_object()->type_name();
  }
  return is_undefined() ? "Undefined" : kScalars[data_.index()];
}

bool Value::truthy() const {
  if (is_number()) {
    return as_real() != 0.0;
  }
  if (is_text()) {
    return !as_text().empty();
  }
  if (is_sequence()) {
    return as_sequence().one_shot() || !as_sequence().items.empty();
  }
  if (is_dict()) {
    return !as_dict().members.empty();
  }
  return is_object();
}

const Value* Dict::find(const Value& key) const {
  check_hashable(key);
  const auto it = std::ranges::find_if(
      members, [&](const auto& member) { return same_key(member.first, key); });
  return it == members.end() ? nullptr : &it->second;
}

const Value* Dict::find(std::string_view key) const {
  const auto it = std::ranges::find_if(members, [&](const auto& member) {
    return member.first.is_text() && member.first.as_text() == key;
  });
  return it == members.end() ? nullptr : &it->second;
}

void set_member(std::vector<std::pair<Value, Value>>& members, Value key, Value value) {
  check_hashable(key);
  const auto it = std::ranges::find_if(
      members, [&](const auto& member) { return same_key(member.first, key); });
  if (it != members.end()) {
    it->second = std::move(value);
  } else {
    members.emplace_back(std::move(key), std::move(value));
  }
}

Value Object::call(Evaluator& /*evaluator*/, Arguments /*arguments*/) {
  raise(FailureKind::Type, "'{}' object is not callable", type_name());
}

bool Object::attribute(std::string_view /*name*/, Value* /*out*/) {
  return false;
}

std::string Object::repr(Evaluator& /*evaluator*/) const {
  raise(FailureKind::Unsupported, "printing a value of type '{}'", type_name());
}

}  // namespace cajal::jinja
