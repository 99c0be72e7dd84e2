// JSON as a value. The one place that knows the JSON library is json.cc.
//
// Objects keep the order of the file, numbers keep whether they were written as integers, and
// every accessor that fails says where in the document it was (a path such as
// "config.json: rope_scaling.factor").
#pragma once

#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace cajal {

class Json {
 public:
  using Array = std::vector<Json>;
  using Member = std::pair<std::string, Json>;
  using Object = std::vector<Member>;  // in the order of the file; names are unique

  Json() = default;                                     // null
  Json(std::nullptr_t) {}                               // NOLINT(google-explicit-constructor)
  Json(bool x) : value_(x) {}                           // NOLINT(google-explicit-constructor)
  Json(int x) : value_(std::int64_t{x}) {}              // NOLINT(google-explicit-constructor)
  Json(std::int64_t x) : value_(x) {}                   // NOLINT(google-explicit-constructor)
  Json(std::uint64_t x);                                // NOLINT(google-explicit-constructor)
  Json(double x) : value_(x) {}                         // NOLINT(google-explicit-constructor)
  Json(std::string x) : value_(std::move(x)) {}         // NOLINT(google-explicit-constructor)
  Json(std::string_view x) : value_(std::string(x)) {}  // NOLINT(google-explicit-constructor)
  Json(const char* x) : value_(std::string(x)) {}       // NOLINT(google-explicit-constructor)
  Json(Array x) : value_(std::move(x)) {}               // NOLINT(google-explicit-constructor)
  Json(Object x) : value_(std::move(x)) {}              // NOLINT(google-explicit-constructor)
  static Json object(std::initializer_list<Member> members) { return Json(Object(members)); }
  template <typename Range>
  static Json array_of(const Range& range) {
    Array out;
    for (const auto& x : range) {
      out.push_back(Json(x));
    }
    return Json(std::move(out));
  }

  bool is_null() const noexcept { return std::holds_alternative<std::monostate>(value_); }
  bool is_bool() const noexcept { return std::holds_alternative<bool>(value_); }
  bool is_int() const noexcept { return std::holds_alternative<std::int64_t>(value_); }
  bool is_double() const noexcept {
    return std::holds_alternative<double>(value_) || big_integer() != nullptr;
  }
  bool is_number() const noexcept { return is_int() || is_double(); }
  bool is_string() const noexcept { return std::holds_alternative<std::string>(value_); }
  bool is_array() const noexcept { return std::holds_alternative<Array>(value_); }
  bool is_object() const noexcept { return std::holds_alternative<Object>(value_); }
  /// The digits of an integer beyond 64 bits, which is otherwise a double; else nullptr.
  const std::string* big_integer() const noexcept {
    const auto* big = std::get_if<BigInteger>(&value_);
    return big == nullptr ? nullptr : &big->digits;
  }
  /// "null", "a boolean", "an integer", "a number", "a string", "an array", "an object".
  std::string_view kind() const noexcept;

  // Throw CorruptData naming `where` (and what was found) if the value is of another kind.
  bool as_bool(std::string_view where) const;
  std::int64_t as_int(std::string_view where) const;
  double as_double(std::string_view where) const;  // integers too
  const std::string& as_string(std::string_view where) const;
  const Array& as_array(std::string_view where) const;
  const Object& as_object(std::string_view where) const;
  Array& mutable_array(std::string_view where);

  /// Member of an object; nullptr if this is no object or has no such member.
  const Json* find(std::string_view name) const noexcept;
  /// As find, but a member that is null counts as absent.
  const Json* find_value(std::string_view name) const noexcept;
  /// Throws CorruptData if there is none.
  const Json& at(std::string_view name, std::string_view where) const;
  /// Sets or replaces a member; a null value becomes an object first.
  Json& set(std::string_view name, Json value);
  /// Appends a member to an object without looking whether the name is there already.
  void append_member(std::string name, Json value);
  /// Appends to an array; a null value becomes an array first.
  void push_back(Json value);

  /// Throws CorruptData with line and column, prefixed by `where`. Refuses more than 200 levels,
  /// duplicate member names, and anything after the value. Integers beyond 64 bits become doubles
  /// that know their digits (big_integer).
  static Json parse(std::string_view text, std::string_view where);
  static Json load(const std::filesystem::path& path);
  /// One line; with indent >= 0, that many spaces a level. Broken UTF-8 becomes U+FFFD; NaN and
  /// infinities become null.
  std::string dump(int indent = -1) const;

  friend bool operator==(const Json&, const Json&) = default;

  /// `digits` is an integer in decimal, with or without a minus sign.
  static Json make_big_integer(double value, std::string digits) {
    Json out;
    out.value_ = BigInteger{value, std::move(digits)};
    return out;
  }

 private:
  struct BigInteger {
    double value = 0.0;
    std::string digits;
    friend bool operator==(const BigInteger&, const BigInteger&) = default;
  };
  std::variant<std::monostate, bool, std::int64_t, double, std::string, Array, Object, BigInteger>
      value_;
};

/// Receives a document piece by piece, where the whole tree would take too much memory.
class JsonEvents {
 public:
  virtual ~JsonEvents() = default;
  virtual void scalar(Json value) = 0;  // null, a boolean, a number or a string
  virtual void key(std::string name) = 0;
  virtual void begin_object() = 0;
  virtual void end_object() = 0;
  virtual void begin_array() = 0;
  virtual void end_array() = 0;
};

/// As Json::parse, except that duplicate names are for the receiver to find. Exceptions of
/// `events` pass through.
void parse_json(std::string_view text, std::string_view where, JsonEvents& events);

}  // namespace cajal
