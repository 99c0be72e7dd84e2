// Values of the template language: Python's, as far as chat templates see them.
//
// Immutable and shared: copying a Value is cheap. The only things that change are one-shot
// iterators, namespaces and loops. Nesting is limited when a container is made (kMaxDepth), so
// that printing, comparing and destroying need no guard of their own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "io/json.h"
#include "text/jinja/failure.h"

namespace cajal::jinja {

/// Python's integers are unbounded; these end in a Limit failure beyond 127 bits.
__extension__ typedef __int128 Int;  // NOLINT(modernize-use-using): __extension__ needs it

class Value;
class Evaluator;
using Values = std::vector<Value>;

struct Text {
  std::string bytes;       // valid UTF-8
  bool markup = false;     // made by `safe` or `escape`: + escapes what is added
  std::size_t points = 0;  // code points
};

struct Sequence;
struct Dict;
class Object;

/// What a name, attribute or item that does not exist evaluates to; using it raises `kind`.
struct Undefined {
  std::string message;
  FailureKind kind = FailureKind::Undefined;
};

class Value {
 public:
  Value() = default;  // none
  static Value none() { return {}; }
  static Value boolean(bool x) { return Value(Data(x)); }
  static Value integer(Int x) { return Value(Data(x)); }
  static Value size(std::size_t x) { return integer(static_cast<Int>(x)); }
  static Value real(double x) { return Value(Data(x)); }
  static Value text(std::string bytes, bool markup = false);
  static Value list(Values items);
  static Value tuple(Values items);
  static Value sequence(Sequence sequence);
  static Value dict(std::vector<std::pair<Value, Value>> members);
  static Value object(std::shared_ptr<Object> object);
  static Value undefined(std::string message, FailureKind kind = FailureKind::Undefined);
  static Value from_json(const Json& json);

  bool is_none() const noexcept { return std::holds_alternative<std::monostate>(data_); }
  bool is_bool() const noexcept { return std::holds_alternative<bool>(data_); }
  bool is_int() const noexcept { return std::holds_alternative<Int>(data_); }
  bool is_real() const noexcept { return std::holds_alternative<double>(data_); }
  bool is_integral() const noexcept { return is_int() || is_bool(); }  // as in Python
  bool is_number() const noexcept { return is_integral() || is_real(); }
  bool is_text() const noexcept { return std::holds_alternative<TextPtr>(data_); }
  bool is_sequence() const noexcept { return std::holds_alternative<SequencePtr>(data_); }
  bool is_dict() const noexcept { return std::holds_alternative<DictPtr>(data_); }
  bool is_object() const noexcept { return std::holds_alternative<ObjectPtr>(data_); }
  bool is_undefined() const noexcept { return std::holds_alternative<UndefinedPtr>(data_); }
  bool is_list() const noexcept;
  bool is_tuple() const noexcept;
  bool is_true() const noexcept {
    const bool* value = std::get_if<bool>(&data_);
    return value != nullptr && *value;
  }

  // Each needs a value of its kind.
  Int as_int() const { return is_bool() ? Int{std::get<bool>(data_)} : std::get<Int>(data_); }
  double as_real() const;  // of any number
  const std::string& as_text() const { return std::get<TextPtr>(data_)->bytes; }
  const Text& text_data() const { return *std::get<TextPtr>(data_); }
  Sequence& as_sequence() const { return *std::get<SequencePtr>(data_); }
  const Dict& as_dict() const { return *std::get<DictPtr>(data_); }
  const std::shared_ptr<Object>& as_object() const { return std::get<ObjectPtr>(data_); }
  const Undefined& as_undefined() const { return *std::get<UndefinedPtr>(data_); }

  /// Levels of containers inside this value; 0 for a scalar.
  int depth() const noexcept;
  /// Python's `is`: the same object, or the same none, boolean or small number.
  bool same_as(const Value& other) const noexcept;
  /// Python's name of the type, such as "int".
  std::string_view type_name() const noexcept;
  bool truthy() const;

 private:
  using TextPtr = std::shared_ptr<const Text>;
  using SequencePtr = std::shared_ptr<Sequence>;
  using DictPtr = std::shared_ptr<const Dict>;
  using ObjectPtr = std::shared_ptr<Object>;
  using UndefinedPtr = std::shared_ptr<const Undefined>;
  using Data = std::variant<std::monostate, bool, Int, double, TextPtr, SequencePtr, DictPtr,
                            ObjectPtr, UndefinedPtr>;
  explicit Value(Data data) : data_(std::move(data)) {}
  Data data_;
};

inline constexpr int kMaxDepth = 100;

enum class SequenceKind : std::uint8_t {
  List,
  Tuple,
  Group,  // what groupby makes: a tuple with names
  Range,
  KeysView,  // views of a dict
  ValuesView,
  ItemsView,
  Generator,  // one-shot; items before `taken` are gone
  ListIterator,
};

struct Sequence {
  SequenceKind kind = SequenceKind::List;
  Values items;
  std::size_t taken = 0;      // of one-shot kinds only
  std::string printed_range;  // Range only: how Python prints it
  int depth = 0;

  bool one_shot() const noexcept {
    return kind == SequenceKind::Generator || kind == SequenceKind::ListIterator;
  }
  /// list, tuple, range: may be indexed.
  bool indexable() const noexcept { return kind <= SequenceKind::Range; }
};

Sequence make_sequence(SequenceKind kind, Values items);

struct Dict {
  std::vector<std::pair<Value, Value>> members;  // in order of insertion, keys unique
  int depth = 0;

  /// nullptr if there is none. Keys compare as in Python: 1, 1.0 and true are one key.
  const Value* find(const Value& key) const;
  const Value* find(std::string_view key) const;
};

/// Adds or replaces. Raises Type if the key cannot be hashed (a list, a dict).
void set_member(std::vector<std::pair<Value, Value>>& members, Value key, Value value);

struct Arguments {
  Values positional;
  std::vector<std::pair<std::string, Value>> named;
};

/// Anything that is neither a scalar nor a container: functions, macros, namespaces, loops.
class Object {
 public:
  virtual ~Object() = default;
  virtual std::string_view type_name() const noexcept = 0;
  virtual bool callable() const noexcept { return false; }
  virtual Value call(Evaluator& evaluator, Arguments arguments);
  /// nullptr-like absence is an undefined Value made by the caller: `found` says which.
  virtual bool attribute(std::string_view name, Value* out);
  /// What printing shows; raises Unsupported where Python would print an address.
  virtual std::string repr(Evaluator& evaluator) const;
  virtual int depth() const noexcept { return 0; }
};

}  // namespace cajal::jinja
