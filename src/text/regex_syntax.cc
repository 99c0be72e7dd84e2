#include "text/regex_syntax.h"

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/error.h"
#include "base/utf8.h"
#include "text/code_point_set.h"
#include "text/unicode_properties.h"

namespace cajal {
namespace {

/// What stands in a character class: code points, and script names left to PCRE2.
struct ClassItems {
  CodePointSet points;
  std::string scripts;  // "\p{sc:Latin}\P{sc:Greek}"
};

std::string spelled(const CodePointSet& set) {
  std::string out;
  for (const CodePointRange& range : set.ranges()) {
    out += fmt::format("\\x{{{:x}}}", static_cast<std::uint32_t>(range.first));
    if (range.last != range.first) {
      out += fmt::format("-\\x{{{:x}}}", static_cast<std::uint32_t>(range.last));
    }
  }
  return out;
}

class Rewriter {
 public:
  Rewriter(std::string_view pattern, std::string_view where) : in_(pattern), where_(where) {}

  std::string run() {
    if (!is_valid_utf8(in_)) {
      bad("it is not UTF-8");
    }
    while (!at_end()) {
      step();
    }
    return std::move(out_);
  }

 private:
  bool at_end() const noexcept { return at_ >= in_.size(); }
  char peek() const noexcept { return at_end() ? '\0' : in_[at_]; }
  bool take(std::string_view text) noexcept {
    if (in_.substr(at_, text.size()) != text) {
      return false;
    }
    at_ += text.size();
    return true;
  }

  [[noreturn]] void bad(std::string_view why) const {
    fail(ErrorCode::CorruptData, "{}: cannot read the regular expression '{}' at byte {}: {}",
         where_, in_.substr(0, 200), at_, why);
  }
  [[noreturn]] void unsupported(std::string_view what) const {
    fail(ErrorCode::Unsupported,
         "{}: the regular expression '{}' uses {} at byte {}, which is not supported", where_,
         in_.substr(0, 200), what, at_);
  }

  void step() {
    const char c = peek();
    if (c == '\\') {
      escape();
    } else if (c == '[') {
      ++at_;
      out_ += class_text(char_class(0));
    } else if (c == '(') {
      group();
    } else if (c == '{') {
      brace();
    } else {
      out_ += c;
      ++at_;
    }
  }

  /// "{,n}" is "{0,n}" here; "{n}+" is a repeated repeat, not a possessive one.
  void brace() {
    const std::size_t close = in_.find('}', at_);
    const std::string_view body =
        close == std::string_view::npos ? std::string_view() : in_.substr(at_ + 1, close - at_ - 1);
    const bool repeat = !body.empty() && body != "," &&
                        std::all_of(body.begin(), body.end(),
                                    [](char c) { return c == ',' || (c >= '0' && c <= '9'); });
    if (!repeat) {
      out_ += "\\{";
      ++at_;
      return;
    }
    at_ = close + 1;
    if (peek() == '+') {
      unsupported("'+' after '{...}'");
    }
    out_ += fmt::format("{{{}{}}}", body.front() == ',' ? "0" : "", body);
  }

  void group() {
    ++at_;
    out_ += '(';
    if (peek() != '?') {
      return;
    }
    for (const std::string_view plain : {"?:", "?=", "?!", "?>", "?<=", "?<!", "?#"}) {
      if (take(plain)) {
        out_ += plain;
        return;
      }
    }
    if (take("?<") || take("?'")) {
      out_ += in_.substr(at_ - 2, 2);
      return;
    }
    ++at_;
    options();
  }

  /// "(?im-x:" and "(?i)": Ruby's m is "dot matches newline", which PCRE2 calls s.
  void options() {
    out_ += '?';
    while (!at_end() && peek() != ':' && peek() != ')') {
      const char c = in_[at_];
      if (c != 'i' && c != 'm' && c != 'x' && c != '-') {
        bad(fmt::format("'{}' is no option of a group (i, m and x are)", c));
      }
      if (c == 'x') {
        unsupported("extended mode");
      }
      out_ += c == 'm' ? 's' : c;
      ++at_;
    }
    if (at_end()) {
      bad("a group has no end");
    }
    out_ += in_[at_++];
  }

  void escape() {
    const std::size_t start = at_++;
    if (at_end()) {
      bad("it ends in a backslash");
    }
    if (const std::optional<ClassItems> items = class_escape()) {
      out_ += class_text(*items);
      return;
    }
    const char c = in_[at_];
    if (c == 'b' || c == 'B') {
      ++at_;
      const std::string word = fmt::format("[{}]", spelled(regex_word_set()));
      const std::string inside = fmt::format("(?<={0})(?={0})|(?<!{0})(?!{0})", word);
      const std::string border = fmt::format("(?<={0})(?!{0})|(?<!{0})(?={0})", word);
      out_ += fmt::format("(?:{})", c == 'b' ? border : inside);
      return;
    }
    if (std::string_view("AzZGRXKk").find(c) != std::string_view::npos || (c >= '1' && c <= '9')) {
      ++at_;
      out_ += in_.substr(start, 2);
      return;
    }
    out_ += fmt::format("\\x{{{:x}}}", static_cast<std::uint32_t>(escaped_character()));
  }

  /// After a backslash: the one character that an escape stands for.
  char32_t escaped_character() {
    static const std::map<char, char32_t> kControls = {
        {'n', '\n'}, {'r', '\r'}, {'t', '\t'}, {'f', '\f'}, {'v', '\v'}, {'a', '\a'}, {'e', 0x1B}};
    const char c = peek();
    if (const auto control = kControls.find(c); control != kControls.end()) {
      ++at_;
      return control->second;
    }
    if (c == 'x') {
      ++at_;
      return take("{") ? hex(8, '}') : hex(2, '\0');
    }
    if (c == 'u') {
      ++at_;
      return hex(4, '\0');
    }
    if (c == '0') {
      ++at_;
      return 0;
    }
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) {
      unsupported(fmt::format("'\\{}'", c));
    }
    return next_character();
  }

  char32_t hex(std::size_t most, char close) {
    std::uint32_t value = 0;
    std::size_t digits = 0;
    while (digits < most && std::isxdigit(static_cast<unsigned char>(peek())) != 0) {
      const char c = in_[at_++];
      value = value * 16 + static_cast<std::uint32_t>(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
      ++digits;
    }
    if (digits == 0 || value > 0x10FFFF || (value >= 0xD800 && value < 0xE000)) {
      bad("an escape in hexadecimal is no character");
    }
    if (close != '\0' && !take(std::string_view(&close, 1))) {
      bad("an escape in hexadecimal has no end");
    }
    return value;
  }

  char32_t next_character() {
    const CodePoint c = decode_utf8(in_.substr(at_));
    at_ += c.length;
    return c.value;
  }

  /// After a backslash: an escape that stands for a set, if it is one.
  std::optional<ClassItems> class_escape() {
    const char c = peek();
    const char lower = static_cast<char>(c | 0x20);
    if (lower == 'p') {
      ++at_;
      return property(c == 'P');
    }
    CodePointSet set;
    if (lower == 's') {
      set = space_set();
    } else if (lower == 'd') {
      set = *property_set("Nd");
    } else if (lower == 'w') {
      set = regex_word_set();
    } else if (lower == 'h') {
      set = CodePointSet({{'0', '9'}, {'A', 'F'}, {'a', 'f'}});
    } else {
      return std::nullopt;
    }
    ++at_;
    return ClassItems{c == lower ? set : set.complement(), ""};
  }

  ClassItems property(bool negated) {
    const std::size_t close = in_.find('}', at_);
    if (peek() != '{' || close == std::string_view::npos) {
      bad("a property has no name in braces");
    }
    std::string_view name = in_.substr(at_ + 1, close - at_ - 1);
    if (!name.empty() && name.front() == '^') {
      negated = !negated;
      name.remove_prefix(1);
    }
    at_ = close + 1;
    if (const std::optional<CodePointSet> set = property_set(name)) {
      return {negated ? set->complement() : *set, ""};
    }
    const bool plain = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
      return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_';
    });
    if (!plain) {
      bad("a property has no name");
    }
    return {{}, fmt::format("\\{}{{sc:{}}}", negated ? 'P' : 'p', name)};
  }

  std::string class_text(const ClassItems& items) const {
    if (items.points.ranges().empty() && items.scripts.empty()) {
      return "(?!)";
    }
    return fmt::format("[{}{}]", spelled(items.points), items.scripts);
  }

  /// After "[", up to and with its "]". Nested classes and "&&" are resolved here.
  ClassItems char_class(int depth) {
    if (depth > 20) {
      bad("character classes are nested too deep");
    }
    const bool negated = take("^");
    ClassItems items;
    std::optional<CodePointSet> left;  // of "&&"
    bool first = true;
    while (!(peek() == ']' && !first)) {
      if (at_end()) {
        bad("a character class has no end");
      }
      if (take("&&")) {
        left = left ? left->intersection(points_only(items)) : points_only(items);
        items = {};
      } else {
        class_member(items, depth);
      }
      first = false;
    }
    ++at_;
    if (left) {
      items.points = left->intersection(points_only(items));
    }
    if (negated) {
      items.points = points_only(items).complement();
    }
    return items;
  }

  const CodePointSet& points_only(const ClassItems& items) const {
    if (!items.scripts.empty()) {
      unsupported("a script inside '[^...]' or beside '&&'");
    }
    return items.points;
  }

  void class_member(ClassItems& items, int depth) {
    if (take("[:")) {
      items.points.add(posix_class());
      return;
    }
    if (take("[")) {
      const ClassItems inner = char_class(depth + 1);
      items.points.add(inner.points);
      items.scripts += inner.scripts;
      return;
    }
    if (peek() == '\\') {
      ++at_;
      if (const std::optional<ClassItems> set = class_escape()) {
        items.points.add(set->points);
        items.scripts += set->scripts;
        return;
      }
      --at_;
    }
    const char32_t low = member_character();
    const bool range = peek() == '-' && at_ + 1 < in_.size() && in_[at_ + 1] != ']';
    char32_t high = low;
    if (range) {
      ++at_;
      high = member_character();
    }
    if (high < low) {
      bad("a range of characters ends before it begins");
    }
    items.points.add(low, high);
  }

  char32_t member_character() {
    if (!take("\\")) {
      return next_character();
    }
    if (take("b")) {
      return 8;
    }
    return escaped_character();
  }

  CodePointSet posix_class() {
    const bool negated = take("^");
    const std::size_t close = in_.find(":]", at_);
    if (close == std::string_view::npos) {
      bad("'[:' has no ':]'");
    }
    const std::string_view name = in_.substr(at_, close - at_);
    at_ = close + 2;
    const std::optional<CodePointSet> set = posix_set(name);
    if (!set) {
      unsupported(fmt::format("'[:{}:]'", name));
    }
    return negated ? set->complement() : *set;
  }

  std::string_view in_;
  std::string_view where_;
  std::size_t at_ = 0;
  std::string out_;
};

}  // namespace

std::string to_pcre2_syntax(std::string_view pattern, std::string_view where) {
  return Rewriter(pattern, where).run();
}

}  // namespace cajal
