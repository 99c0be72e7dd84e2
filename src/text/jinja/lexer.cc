#include "text/jinja/lexer.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "base/utf8.h"
#include "text/jinja/string_literal.h"
#include "text/jinja/unicode.h"

namespace cajal::jinja {
namespace {

bool is_ascii_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}
bool is_name_char(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_ascii_digit(c) || c == '_';
}

/// "\r\n" and "\r" become "\n"; one newline at the end is dropped.
std::string normalized(std::string_view source) {
  std::string out = with_unix_newlines(source);
  if (out.ends_with('\n')) {
    out.pop_back();
  }
  return out;
}

class Lexer {
 public:
  explicit Lexer(std::string_view source) : source_(normalized(source)), rest_(source_) {}

  std::vector<Token> run() {
    while (!rest_.empty()) {
      text_until_tag();
    }
    push(TokenKind::End, "");
    return std::move(tokens_);
  }

 private:
  [[noreturn]] void fail_syntax(const std::string& text) const {
    throw TemplateFailure(FailureKind::Syntax, text, line_);
  }

  void push(TokenKind kind, std::string text) {
    tokens_.push_back({.kind = kind, .text = std::move(text), .number = {}, .line = line_});
  }

  void take(std::size_t count) {
    const std::string_view taken = rest_.substr(0, count);
    line_ += static_cast<int>(std::ranges::count(taken, '\n'));
    if (!taken.empty()) {
      line_starting_ = taken.back() == '\n';
    }
    rest_.remove_prefix(taken.size());
  }

  bool take_if(std::string_view text) {
    if (!rest_.starts_with(text)) {
      return false;
    }
    take(text.size());
    return true;
  }

  void take_spaces() { take(rest_.size() - strip_left(rest_).size()); }

  void text_until_tag() {
    std::size_t at = 0;
    for (;; ++at) {
      at = rest_.find('{', at);
      if (at == rest_.npos || at + 1 >= rest_.size()) {
        push(TokenKind::Data, std::string(rest_));
        take(rest_.size());
        return;
      }
      if (std::string_view("%{#").find(rest_[at + 1]) != std::string_view::npos) {
        break;
      }
    }
    const char kind = rest_[at + 1];
    const char sign = at + 2 < rest_.size() ? rest_[at + 2] : ' ';
    emit_text(rest_.substr(0, at), sign, kind == '{');
    take(at + 2 + (sign == '-' || sign == '+' ? 1 : 0));
    tag(kind);
  }

  /// Text before a tag, trimmed as the tag's sign and lstrip_blocks say.
  void emit_text(std::string_view text, char sign, bool variable) {
    if (sign == '-') {
      text = strip_right(text);
    } else if (sign != '+' && !variable) {
      const std::size_t line_start = text.rfind('\n') + 1;  // npos + 1 is 0
      if ((line_start > 0 || line_starting_) && strip_left(text.substr(line_start)).empty()) {
        text = text.substr(0, line_start);
      }
    }
    if (!text.empty()) {
      push(TokenKind::Data, std::string(text));
    }
  }

  void tag(char kind) {
    if (kind == '#') {
      comment();
    } else if (kind == '{') {
      push(TokenKind::VariableBegin, "");
      inside([this] { return variable_end(); }, TokenKind::VariableEnd);
    } else if (raw_begin()) {
      raw();
    } else {
      push(TokenKind::BlockBegin, "");
      inside([this] { return block_end("%}"); }, TokenKind::BlockEnd);
    }
  }

  bool variable_end() {
    if (take_if("-}}")) {
      take_spaces();
      return true;
    }
    return take_if("}}");
  }

  /// `end` is "%}" or "#}"; "+%}" keeps what follows, "-%}" strips it, "%}" drops one newline.
  bool block_end(std::string_view end) {
    if (rest_.substr(rest_.empty() ? 0 : 1).starts_with(end) &&
        (rest_[0] == '-' || rest_[0] == '+')) {
      const bool strip = rest_[0] == '-';
      take(1 + end.size());
      if (strip) {
        take_spaces();
      }
      return true;
    }
    if (!take_if(end)) {
      return false;
    }
    take_if("\n");
    return true;
  }

  void comment() {
    while (!rest_.empty()) {
      if (block_end("#}")) {
        return;
      }
      take(1);
    }
    fail_syntax("Missing end of comment tag");
  }

  /// After "{%" and its sign: takes " raw %}" if that is what follows.
  bool raw_begin() {
    std::string_view text = strip_left(rest_);
    if (!text.starts_with("raw")) {
      return false;
    }
    text = strip_left(text.substr(3));
    const bool strip = text.starts_with("-%}");
    if (!strip && !text.starts_with("%}")) {
      return false;
    }
    take(rest_.size() - text.size() + (strip ? 3 : 2));
    if (strip) {
      take_spaces();
    }
    return true;
  }

  void raw() {
    for (std::size_t at = rest_.find("{%"); at != rest_.npos; at = rest_.find("{%", at + 1)) {
      std::string_view text = rest_.substr(at + 2);
      const char sign = text.empty() ? ' ' : text[0];
      text = strip_left(text.substr(sign == '-' || sign == '+' ? 1 : 0));
      if (!text.starts_with("endraw")) {
        continue;
      }
      text = strip_left(text.substr(6));
      if (text.starts_with("%}") || text.starts_with("-%}") || text.starts_with("+%}")) {
        emit_text(rest_.substr(0, at), sign, false);
        take(rest_.size() - text.size());
        block_end("%}");
        return;
      }
    }
    fail_syntax("Missing end of raw directive");
  }

  template <typename AtEnd>
  void inside(const AtEnd& at_end, TokenKind end) {
    while (!rest_.empty()) {
      take_spaces();
      const int line = line_;
      if (brackets_.empty() && at_end()) {
        push(end, "");
        tokens_.back().line = line;
        return;
      }
      if (!rest_.empty()) {
        token();
      }
    }
  }

  void token() {
    const char c = rest_[0];
    if (is_ascii_digit(c)) {
      number();
    } else if (is_name_char(c)) {
      const auto* end = std::ranges::find_if_not(rest_, is_name_char);
      const auto length = static_cast<std::size_t>(end - rest_.begin());
      push(TokenKind::Name, std::string(rest_.substr(0, length)));
      take(length);
      check_ascii_name();
    } else if (c == '\'' || c == '"') {
      string();
    } else {
      operation();
    }
  }

  void check_ascii_name() const {
    if (!rest_.empty() && is_word(decode_utf8(rest_).value)) {
      throw TemplateFailure(FailureKind::Unsupported, "a name that is not ASCII", line_);
    }
  }

  void number() {
    const NumberLiteral literal = parse_number(rest_, after_dot());
    tokens_.push_back({.kind = literal.value.is_real() ? TokenKind::Float : TokenKind::Integer,
                       .text = std::string(rest_.substr(0, literal.length)),
                       .number = literal.value,
                       .line = line_});
    take(literal.length);
  }

  bool after_dot() const {
    const auto at = static_cast<std::size_t>(rest_.data() - source_.data());
    return at > 0 && source_[at - 1] == '.';
  }

  void string() {
    std::size_t end = 1;
    while (end < rest_.size() && rest_[end] != rest_[0]) {
      end += rest_[end] == '\\' ? 2U : 1U;
    }
    if (end >= rest_.size()) {
      fail_syntax(fmt::format("a string that begins with {} does not end", rest_[0]));
    }
    try {
      push(TokenKind::String, unescape_string(rest_.substr(1, end - 1)));
    } catch (const TemplateFailure& failure) {
      throw TemplateFailure(failure.kind(), failure.text(), line_);
    }
    take(end + 1);
  }

  void operation() {
    constexpr auto kOperators = std::to_array<std::string_view>(
        {"//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[",
         "]",  "(",  ")",  "{",  "}",  ">",  "<", "=", ".", ":", "|", ",", ";"});
    const auto* it = std::ranges::find_if(
        kOperators, [this](std::string_view text) { return rest_.starts_with(text); });
    if (it == kOperators.end()) {
      if (is_word(decode_utf8(rest_).value)) {
        check_ascii_name();
      }
      fail_syntax(fmt::format("unexpected char '{}'", rest_.substr(0, decode_utf8(rest_).length)));
    }
    balance(*it);
    push(TokenKind::Operator, std::string(*it));
    take(it->size());
  }

  void balance(std::string_view text) {
    if (const auto open = std::string_view("([{").find(text[0]); open != std::string_view::npos) {
      brackets_.push_back(")]}"[open]);
    } else if (text == ")" || text == "]" || text == "}") {
      if (brackets_.empty()) {
        fail_syntax(fmt::format("unexpected '{}'", text));
      }
      if (brackets_.back() != text[0]) {
        fail_syntax(fmt::format("unexpected '{}', expected '{}'", text, brackets_.back()));
      }
      brackets_.pop_back();
    }
  }

  std::string source_;
  std::string_view rest_;
  std::vector<Token> tokens_;
  std::string brackets_;  // the closing ones that are awaited
  int line_ = 1;
  bool line_starting_ = true;  // the last thing taken ended a line
};

}  // namespace

std::vector<Token> tokenize(std::string_view source) {
  return Lexer(source).run();
}

std::string describe(const Token& token) {
  switch (token.kind) {
    case TokenKind::Data:
      return "template data / text";
    case TokenKind::VariableBegin:
      return "begin of print statement";
    case TokenKind::VariableEnd:
      return "end of print statement";
    case TokenKind::BlockBegin:
      return "begin of statement block";
    case TokenKind::BlockEnd:
      return "end of statement block";
    case TokenKind::End:
      return "end of template";
    case TokenKind::String:
      return "string";
    case TokenKind::Integer:
      return "integer";
    case TokenKind::Float:
      return "float";
    case TokenKind::Name:
    case TokenKind::Operator:
      return token.text;
  }
  return "";
}

}  // namespace cajal::jinja
