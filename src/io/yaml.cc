#include "io/yaml.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <limits>
#include <sstream>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include "base/error.h"
#include "base/file.h"
#include "base/utf8.h"
#include "io/tensor.h"

namespace cajal {
namespace {

constexpr std::size_t kMaxYamlDepth = 200;
constexpr std::uint64_t kLargestFile = std::uint64_t{16} << 20U;
constexpr std::size_t kMostGrowth = 16;  // what aliases may add, in times of the text
constexpr std::string_view kCoreTags = "tag:yaml.org,2002:";

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

bool is_all(std::string_view text, std::string_view allowed) {
  return !text.empty() && text.find_first_not_of(allowed) == std::string_view::npos;
}

/// A whole number of the base; nullopt if `digits` is none. Beyond 64 bits it becomes a double
/// (octal: nullopt).
std::optional<Json> whole_number(std::string_view digits, bool negative, int base) {
  if (!is_all(digits, base == 16  ? "0123456789abcdefABCDEF"
                      : base == 8 ? "01234567"
                                  : "0123456789")) {
    return std::nullopt;
  }
  std::string text(negative ? "-" : "");
  text += digits;
  std::int64_t n = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), n, base).ec == std::errc()) {
    return Json(n);
  }
  // Beyond 64 bits: a double, correctly rounded (strtod knows hexadecimal too).
  if (base == 8) {
    return std::nullopt;
  }
  return Json(std::strtod(((base == 16 ? "0x" : "") + text).c_str(), nullptr));
}

/// [0-9]+(.[0-9]*)? or .[0-9]+, then an exponent or not, as the core schema has it.
bool has_form_of_float(std::string_view text) {
  const auto exponent = text.find_first_of("eE");
  if (exponent != std::string_view::npos) {
    std::string_view power = text.substr(exponent + 1);
    if (power.starts_with('+') || power.starts_with('-')) {
      power.remove_prefix(1);
    }
    if (!is_all(power, "0123456789")) {
      return false;
    }
  }
  const std::string_view mantissa = text.substr(0, exponent);
  return is_all(mantissa, "0123456789.") && mantissa != "." &&
         std::count(mantissa.begin(), mantissa.end(), '.') <= 1;
}

std::optional<Json> float_number(std::string_view text, bool negative) {
  if (is_one_of(text, {".inf", ".Inf", ".INF"})) {
    const double infinity = std::numeric_limits<double>::infinity();
    return Json(negative ? -infinity : infinity);
  }
  if (!has_form_of_float(text)) {
    return std::nullopt;
  }
  double x = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), x);
  if (result.ec == std::errc::result_out_of_range) {  // x is not set
    x = std::strtod(std::string(text).c_str(), nullptr);
  }
  return Json(negative ? -x : x);
}

/// What a plain scalar means in the core schema.
Json plain_scalar(const std::string& text) {
  if (text.empty() || is_one_of(text, {"~", "null", "Null", "NULL"})) {
    return {};
  }
  if (is_one_of(text, {"true", "True", "TRUE"})) {
    return true;
  }
  if (is_one_of(text, {"false", "False", "FALSE"})) {
    return false;
  }
  if (is_one_of(text, {".nan", ".NaN", ".NAN"})) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  std::string_view rest = text;
  if (rest.starts_with("0x") || rest.starts_with("0o")) {
    return whole_number(rest.substr(2), false, rest[1] == 'x' ? 16 : 8).value_or(Json(text));
  }
  const bool negative = rest.starts_with('-');
  if (negative || rest.starts_with('+')) {
    rest.remove_prefix(1);
  }
  if (auto number = whole_number(rest, negative, 10)) {
    return *number;
  }
  return float_number(rest, negative).value_or(Json(text));
}

/// Values and bytes of text: never more than the bytes of YAML that a value was written with.
std::size_t weight_of(const Json& x) {
  std::size_t weight = 1;
  if (x.is_string()) {
    weight += x.as_string("").size();
  } else if (x.is_array()) {
    for (const Json& y : x.as_array("")) {
      weight += weight_of(y);
    }
  } else if (x.is_object()) {
    for (const auto& [name, y] : x.as_object("")) {
      weight += name.size() + weight_of(y);
    }
  }
  return weight;
}

/// Builds the value from the library's events, so that no second tree is ever in memory and aliases
/// cannot grow without being counted.
class YamlBuilder final : public YAML::EventHandler {
 public:
  YamlBuilder(std::string_view where, std::size_t budget) : where_(where), budget_(budget) {}

  void OnDocumentStart(const YAML::Mark& /*mark*/) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { put(mark, {}, "", anchor); }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto it = anchors_.find(anchor);
    if (it == anchors_.end()) {
      fail_at(mark, "an alias inside what it stands for");
    }
    spend(mark, it->second.weight);
    put(mark, it->second.value, it->second.text, YAML::NullAnchor);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    put(mark, scalar(mark, tag, value), value, anchor);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    check_tag(mark, tag, "seq");
    open(mark, Json(Json::Array()), anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    check_tag(mark, tag, "map");
    open(mark, Json(Json::Object()), anchor);
  }
  void OnMapEnd() override { close(); }

  Json take() { return std::move(root_); }

 private:
  struct Frame {
    Json value;
    YAML::Mark mark;
    YAML::anchor_t anchor = YAML::NullAnchor;
    std::optional<std::string> key;  // the one whose value comes next
    std::unordered_set<std::string> keys;
  };
  struct Anchored {
    Json value;
    std::string text;  // of a scalar, for use as a key
    std::size_t weight = 0;
  };

  [[noreturn]] void fail_at(const YAML::Mark& mark, std::string_view what,
                            ErrorCode code = ErrorCode::CorruptData) const {
    fail(code, "{}: line {}, column {}: {}", where_, mark.line + 1, mark.column + 1, what);
  }
  void check_tag(const YAML::Mark& mark, std::string_view tag, std::string_view wanted) const {
    if (!is_one_of(tag, {"", "?", "!"}) && tag != std::string(kCoreTags) + std::string(wanted)) {
      fail_at(mark, fmt::format("the tag '{}' cannot be read here", printable(tag)),
              ErrorCode::Unsupported);
    }
  }
  Json scalar(const YAML::Mark& mark, const std::string& tag, const std::string& text) const {
    if (tag == "?" || tag.empty()) {
      return plain_scalar(text);
    }
    std::string_view kind = tag;
    if (kind == "!") {
      return text;
    }
    if (kind.starts_with(kCoreTags)) {
      kind.remove_prefix(kCoreTags.size());
    }
    Json plain = plain_scalar(text);
    if (kind == "str") {
      return text;
    }
    if (kind == "float" && plain.is_number()) {
      return plain.as_double("");
    }
    if ((kind == "int" && plain.is_int()) || (kind == "bool" && plain.is_bool()) ||
        (kind == "null" && plain.is_null())) {
      return plain;
    }
    fail_at(mark,
            fmt::format("'{}' cannot be read as the tag '{}'", printable(text), printable(tag)),
            ErrorCode::Unsupported);
  }
  /// Before a value is copied.
  void spend(const YAML::Mark& mark, std::size_t weight) {
    if (weight > budget_) {
      fail_at(mark, "anchors and aliases that multiply the text too many times");
    }
    budget_ -= weight;
  }
  void open(const YAML::Mark& mark, Json value, YAML::anchor_t anchor) {
    if (open_.size() >= kMaxYamlDepth) {
      fail_at(mark, fmt::format("nested more than {} levels deep", kMaxYamlDepth));
    }
    if (expects_key()) {
      fail_at(mark, "a key that is a list or a map", ErrorCode::Unsupported);
    }
    Frame& frame = open_.emplace_back();
    frame.value = std::move(value);
    frame.mark = mark;
    frame.anchor = anchor;
  }
  void close() {
    Frame done = std::move(open_.back());
    open_.pop_back();
    put(done.mark, std::move(done.value), std::nullopt, done.anchor);
  }
  bool expects_key() const {
    return !open_.empty() && open_.back().value.is_object() && !open_.back().key;
  }
  /// `text` is that of a scalar.
  void put(const YAML::Mark& mark, Json value, const std::optional<std::string>& text,
           YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor) {
      const std::size_t weight = weight_of(value);
      spend(mark, weight);
      anchors_.insert_or_assign(anchor, Anchored{value, text.value_or(""), weight});
    }
    if (expects_key()) {
      put_key(mark, value, text);
    } else if (open_.empty()) {
      root_ = std::move(value);
    } else if (Frame& top = open_.back(); top.value.is_array()) {
      top.value.push_back(std::move(value));
    } else {
      top.value.append_member(std::exchange(top.key, std::nullopt).value_or(""), std::move(value));
    }
  }
  void put_key(const YAML::Mark& mark, const Json& value, const std::optional<std::string>& text) {
    if (!text || value.is_array() || value.is_object()) {
      fail_at(mark, "a key that is a list or a map", ErrorCode::Unsupported);
    }
    if (*text == "<<") {
      fail_at(mark, "merge keys (<<) are not part of YAML 1.2; write the entries out",
              ErrorCode::Unsupported);
    }
    Frame& top = open_.back();
    if (!top.keys.insert(*text).second) {
      fail_at(mark, fmt::format("the key '{}' occurs twice in one map", printable(*text)));
    }
    top.key = *text;
  }

  std::string_view where_;
  std::size_t budget_;
  std::vector<Frame> open_;
  std::unordered_map<YAML::anchor_t, Anchored> anchors_;
  Json root_;
};

void check_is_utf8(std::string_view text, std::string_view where) {
  std::size_t at = 0;
  while (at < text.size()) {
    const CodePoint c = decode_utf8(text.substr(at));
    if (!c.valid) {
      fail(ErrorCode::CorruptData, "{}: the byte at offset {} is not UTF-8", where, at);
    }
    at += c.length;
  }
}

}  // namespace

Json parse_yaml(std::string_view text, std::string_view where) {
  check_is_utf8(text, where);
  YamlBuilder builder(where, kMostGrowth * text.size() + 4096);
  std::istringstream stream{std::string(text)};
  try {
    YAML::Parser parser(stream);
    parser.HandleNextDocument(builder);
    Json out = builder.take();
    if (parser.HandleNextDocument(builder)) {
      fail(ErrorCode::Unsupported, "{}: holds more than one document", where);
    }
    return out;
  } catch (const YAML::Exception& error) {
    fail(ErrorCode::CorruptData, "{}: line {}, column {}: not valid YAML: {}", where,
         error.mark.line + 1, error.mark.column + 1, printable(error.msg));
  }
}

Json load_yaml(const std::filesystem::path& path) {
  return parse_yaml(read_file(path, kLargestFile), path.string());
}

}  // namespace cajal
