#include "io/json.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <unordered_set>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"
#include "base/utf8.h"

namespace cajal {
namespace {

constexpr std::size_t kMaxJsonDepth = 200;
constexpr std::size_t kManyMembers = 16;  // from here on duplicate names are looked up in a set

/// The library's events as ours; the place of its errors and of the limit on depth.
class Sax final : public nlohmann::json_sax<nlohmann::json> {
 public:
  Sax(std::string_view where, JsonEvents& events) : where_(where), events_(events) {}

  bool null() override { return put(Json()); }
  bool boolean(bool x) override { return put(Json(x)); }
  bool number_integer(number_integer_t x) override { return put(Json(std::int64_t{x})); }
  bool number_unsigned(number_unsigned_t x) override { return put(Json(std::uint64_t{x})); }
  bool number_float(number_float_t x, const string_t& text) override {
    const bool integer = text.find_first_of(".eE") == string_t::npos;
    return put(integer ? Json::make_big_integer(x, text) : Json(x));
  }
  bool string(string_t& x) override { return put(Json(std::move(x))); }
  bool binary(binary_t& /*x*/) override { return false; }
  bool start_object(std::size_t /*size*/) override {
    deeper();
    events_.begin_object();
    return true;
  }
  bool start_array(std::size_t /*size*/) override {
    deeper();
    events_.begin_array();
    return true;
  }
  bool end_object() override {
    --depth_;
    events_.end_object();
    return true;
  }
  bool end_array() override {
    --depth_;
    events_.end_array();
    return true;
  }
  bool key(string_t& name) override {
    events_.key(std::move(name));
    return true;
  }
  bool parse_error(std::size_t /*position*/, const std::string& /*token*/,
                   const nlohmann::detail::exception& error) override {
    std::string_view what = error.what();  // "[json.exception.parse_error.101] parse error at ..."
    if (const auto end = what.find("] "); end != std::string_view::npos) {
      what.remove_prefix(end + 2);
    }
    fail(ErrorCode::CorruptData, "{}: not valid JSON: {}", where_,
         sanitize_utf8(what.substr(0, 300)));
  }

 private:
  bool put(Json value) {
    events_.scalar(std::move(value));
    return true;
  }
  void deeper() {
    if (++depth_ > kMaxJsonDepth) {
      fail(ErrorCode::CorruptData, "{}: JSON nested more than {} levels deep", where_,
           kMaxJsonDepth);
    }
  }

  std::string_view where_;
  JsonEvents& events_;
  std::size_t depth_ = 0;
};

/// Builds a Json from the events, so that no second tree is ever in memory.
class JsonBuilder final : public JsonEvents {
 public:
  explicit JsonBuilder(std::string_view where) : where_(where) {}

  void scalar(Json value) override {
    if (open_.empty()) {
      root_ = std::move(value);
    } else if (Frame& top = open_.back(); top.value.is_array()) {
      top.value.push_back(std::move(value));
    } else {
      top.value.append_member(std::move(top.key), std::move(value));
    }
  }
  void key(std::string name) override {
    Frame& top = open_.back();
    if (!top.add_name(name)) {
      fail(ErrorCode::CorruptData, "{}: the name \"{}\" occurs twice in one object", where_,
           sanitize_utf8(name.substr(0, 100)));
    }
    top.key = std::move(name);
  }
  void begin_object() override { open(Json(Json::Object())); }
  void begin_array() override { open(Json(Json::Array())); }
  void end_object() override { close(); }
  void end_array() override { close(); }

  Json take() { return std::move(root_); }

 private:
  struct Frame {
    Json value;
    std::string key;
    std::vector<std::string> few;
    std::unordered_set<std::string> many;

    bool add_name(const std::string& name) {
      if (many.empty() && few.size() < kManyMembers) {
        if (std::find(few.begin(), few.end(), name) != few.end()) {
          return false;
        }
        few.push_back(name);
        return true;
      }
      if (many.empty()) {
        many.insert(few.begin(), few.end());
      }
      return many.insert(name).second;
    }
  };

  void open(Json value) {
    open_.emplace_back();
    open_.back().value = std::move(value);
  }
  void close() {
    Json done = std::move(open_.back().value);
    open_.pop_back();
    scalar(std::move(done));
  }

  std::string_view where_;
  std::vector<Frame> open_;
  Json root_;
};

using Ordered = nlohmann::ordered_json;

Ordered to_library(const Json& x) {
  if (x.is_null()) {
    return nullptr;
  }
  if (x.is_bool()) {
    return x.as_bool("");
  }
  if (x.is_int()) {
    return x.as_int("");
  }
  if (const std::string* digits = x.big_integer(); digits != nullptr) {
    std::uint64_t value = 0;
    const auto* stop = digits->data() + digits->size();
    const auto [end, error] = std::from_chars(digits->data(), stop, value);
    if (error == std::errc() && end == stop) {
      return value;
    }
  }
  if (x.is_double()) {
    return x.as_double("");
  }
  if (x.is_string()) {
    return x.as_string("");
  }
  if (x.is_array()) {
    Ordered out = Ordered::array();
    for (const Json& y : x.as_array("")) {
      out.push_back(to_library(y));
    }
    return out;
  }
  Ordered out = Ordered::object();
  auto& members = out.get_ref<Ordered::object_t&>();
  for (const auto& [name, value] : x.as_object("")) {
    members.Container::emplace_back(name, to_library(value));  // names are unique: no search
  }
  return out;
}

}  // namespace

Json::Json(std::uint64_t x) {
  if (x > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    value_ = BigInteger{static_cast<double>(x), std::to_string(x)};
  } else {
    value_ = static_cast<std::int64_t>(x);
  }
}

std::string_view Json::kind() const noexcept {
  constexpr std::string_view kKinds[] = {"null",     "a boolean", "an integer", "a number",
                                         "a string", "an array",  "an object",  "a number"};
  return kKinds[value_.index()];
}

namespace {

template <typename T, typename Variant>
const T& get_or_fail(const Variant& value, const Json& json, std::string_view where,
                     std::string_view wanted) {
  const T* x = std::get_if<T>(&value);
  if (x == nullptr) {
    fail(ErrorCode::CorruptData, "{}: must be {}, but is {}", where, wanted, json.kind());
  }
  return *x;
}

}  // namespace

bool Json::as_bool(std::string_view where) const {
  return get_or_fail<bool>(value_, *this, where, "a boolean");
}

std::int64_t Json::as_int(std::string_view where) const {
  return get_or_fail<std::int64_t>(value_, *this, where, "an integer");
}

double Json::as_double(std::string_view where) const {
  if (is_int()) {
    return static_cast<double>(std::get<std::int64_t>(value_));
  }
  if (const auto* big = std::get_if<BigInteger>(&value_); big != nullptr) {
    return big->value;
  }
  return get_or_fail<double>(value_, *this, where, "a number");
}

const std::string& Json::as_string(std::string_view where) const {
  return get_or_fail<std::string>(value_, *this, where, "a string");
}

const Json::Array& Json::as_array(std::string_view where) const {
  return get_or_fail<Array>(value_, *this, where, "an array");
}

const Json::Object& Json::as_object(std::string_view where) const {
  return get_or_fail<Object>(value_, *this, where, "an object");
}

Json::Array& Json::mutable_array(std::string_view where) {
  as_array(where);
  return std::get<Array>(value_);
}

const Json* Json::find(std::string_view name) const noexcept {
  const auto* members = std::get_if<Object>(&value_);
  if (members == nullptr) {
    return nullptr;
  }
  const auto it = std::find_if(members->begin(), members->end(),
                               [&](const Member& member) { return member.first == name; });
  return it == members->end() ? nullptr : &it->second;
}

const Json* Json::find_value(std::string_view name) const noexcept {
  const Json* x = find(name);
  return x == nullptr || x->is_null() ? nullptr : x;
}

const Json& Json::at(std::string_view name, std::string_view where) const {
  as_object(where);
  const Json* x = find(name);
  if (x == nullptr) {
    fail(ErrorCode::CorruptData, "{}: \"{}\" is missing", where, name);
  }
  return *x;
}

Json& Json::set(std::string_view name, Json value) {
  if (is_null()) {
    value_ = Object();
  }
  auto& members = std::get<Object>(value_);
  const auto it = std::find_if(members.begin(), members.end(),
                               [&](const Member& member) { return member.first == name; });
  if (it != members.end()) {
    it->second = std::move(value);
  } else {
    members.emplace_back(std::string(name), std::move(value));
  }
  return *this;
}

void Json::append_member(std::string name, Json value) {
  std::get<Object>(value_).emplace_back(std::move(name), std::move(value));
}

void Json::push_back(Json value) {
  if (is_null()) {
    value_ = Array();
  }
  std::get<Array>(value_).push_back(std::move(value));
}

Json Json::parse(std::string_view text, std::string_view where) {
  JsonBuilder builder(where);
  parse_json(text, where, builder);
  return builder.take();
}

void parse_json(std::string_view text, std::string_view where, JsonEvents& events) {
  Sax sax(where, events);
  if (!nlohmann::json::sax_parse(text.begin(), text.end(), &sax)) {
    fail(ErrorCode::CorruptData, "{}: not valid JSON", where);
  }
}

Json Json::load(const std::filesystem::path& path) {
  return parse(read_file(path), path.string());
}

std::string Json::dump(int indent) const {
  return to_library(*this).dump(indent, ' ', false, Ordered::error_handler_t::replace);
}

}  // namespace cajal
