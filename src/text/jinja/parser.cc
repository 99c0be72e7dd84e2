#include "text/jinja/parser.h"

#include <algorithm>
#include <array>

#include "text/jinja/token_stream.h"

namespace cajal::jinja {
namespace {

using Names = std::vector<std::string_view>;

std::string joined(const Names& names) {
  std::string out;
  for (const std::string_view name : names) {
    out += fmt::format("{}'{}'", out.empty() ? "" : " or ", name);
  }
  return out;
}

class StatementParser {
 public:
  explicit StatementParser(std::string_view source)
      : tokens_(tokenize(source)), expressions_(tokens_) {}

  Body run() { return body_until({}); }

 private:
  /// Statements up to a tag of `ends`, which is left standing, or to the end of the template.
  Body body_until(const Names& ends) {
    const SyntaxLevel level(expressions_.depth, tokens_.current().line);
    Body body;
    while (!tokens_.at(TokenKind::End)) {
      const int line = tokens_.current().line;
      if (tokens_.at(TokenKind::Data)) {
        body.push_back({line, TextStatement{tokens_.take().text}});
        continue;
      }
      if (tokens_.take().kind == TokenKind::VariableBegin) {
        body.push_back({line, PrintStatement{expressions_.tuple(ExpressionParser::Inline::Yes)}});
        tokens_.expect(TokenKind::VariableEnd, "end of print statement");
        continue;
      }
      if (!tokens_.at(TokenKind::Name)) {
        tokens_.fail_syntax("tag name expected");
      }
      if (std::ranges::find(ends, tokens_.current().text) != ends.end()) {
        return body;
      }
      statement(body);
      tokens_.expect(TokenKind::BlockEnd, "end of statement block");
    }
    return body;
  }

  /// The rest of a tag and what stands up to one of `ends`, whose name is taken and returned.
  std::string block(Body& body, const Names& ends, std::string_view tag) {
    tokens_.take_operator(":");
    tokens_.expect(TokenKind::BlockEnd, "end of statement block");
    ends_.push_back(ends);
    tags_.emplace_back(tag);
    body = body_until(ends);
    if (tokens_.at(TokenKind::End)) {
      fail_open_block("Unexpected end of template.");
    }
    ends_.pop_back();
    tags_.pop_back();
    return tokens_.take().text;
  }

  [[noreturn]] void fail_open_block(std::string text) const {
    if (!ends_.empty()) {
      text += fmt::format(" Jinja was looking for the following tags: {}.", joined(ends_.back()));
    }
    if (!tags_.empty()) {
      text += fmt::format(" The innermost block that needs to be closed is '{}'.", tags_.back());
    }
    tokens_.fail_syntax(text);
  }

  void statement(Body& out) {
    using Handler = void (StatementParser::*)(Body&);
    constexpr auto kTags = std::to_array<std::pair<std::string_view, Handler>>(
        {{"for", &StatementParser::for_loop},
         {"if", &StatementParser::if_block},
         {"set", &StatementParser::set},
         {"macro", &StatementParser::macro},
         {"call", &StatementParser::call_block},
         {"filter", &StatementParser::filter_block},
         {"with", &StatementParser::with},
         {"generation", &StatementParser::generation},
         {"print", &StatementParser::print},
         {"break", &StatementParser::loop_control},
         {"continue", &StatementParser::loop_control}});
    const std::string& tag = tokens_.current().text;
    const auto* it = std::ranges::find(kTags, tag, &std::pair<std::string_view, Handler>::first);
    if (it != kTags.end()) {
      (this->*it->second)(out);
      return;
    }
    constexpr auto kUnsupported = std::to_array<std::string_view>(
        {"block", "extends", "include", "import", "from", "autoescape"});
    if (std::ranges::find(kUnsupported, tag) != kUnsupported.end()) {
      throw TemplateFailure(FailureKind::Unsupported,
                            fmt::format("the tag {{% {} %}} in a chat template", tag),
                            tokens_.current().line);
    }
    fail_open_block(fmt::format("Encountered unknown tag '{}'.", tag));
  }

  void for_loop(Body& out) {
    const int line = tokens_.take().line;
    ForStatement node;
    node.target = expressions_.target("in", false);
    tokens_.expect_name("in");
    node.iterable = expressions_.tuple(ExpressionParser::Inline::No, "recursive");
    if (tokens_.take_name("if")) {
      node.condition = expressions_.expression();
    }
    node.recursive = tokens_.take_name("recursive");
    ++loops_;
    const std::string end = block(node.body, {"endfor", "else"}, "for");
    --loops_;
    if (end == "else") {
      block(node.otherwise, {"endfor"}, "for");
    }
    out.push_back({line, std::move(node)});
  }

  void if_block(Body& out) {
    const int line = tokens_.current().line;
    IfStatement node;
    std::string end;
    do {
      tokens_.take_name("if");
      ExpressionPtr test = expressions_.tuple(ExpressionParser::Inline::No);
      node.branches.emplace_back(std::move(test), Body());
      end = block(node.branches.back().second, {"elif", "else", "endif"}, "if");
    } while (end == "elif");
    if (end == "else") {
      block(node.otherwise, {"endif"}, "if");
    }
    out.push_back({line, std::move(node)});
  }

  void set(Body& out) {
    const int line = tokens_.take().line;
    ExpressionPtr target = expressions_.target("", true);
    if (tokens_.take_operator("=")) {
      ExpressionPtr value = expressions_.tuple(ExpressionParser::Inline::Yes);
      out.push_back({line, SetStatement{std::move(target), std::move(value)}});
      return;
    }
    SetBlockStatement node{.target = std::move(target), .filter = {}, .body = {}};
    node.filter = expressions_.filters(nullptr, false);
    block(node.body, {"endset"}, "set");
    out.push_back({line, std::move(node)});
  }

  void with(Body& out) {
    const int line = tokens_.take().line;
    WithStatement node;
    while (!tokens_.at(TokenKind::BlockEnd)) {
      if (!node.bindings.empty()) {
        tokens_.expect_operator(",");
      }
      ExpressionPtr target = expressions_.target("", false);
      tokens_.expect_operator("=");
      node.bindings.emplace_back(std::move(target), expressions_.expression());
    }
    block(node.body, {"endwith"}, "with");
    out.push_back({line, std::move(node)});
  }

  void signature(MacroCode& code) {
    tokens_.expect_operator("(");
    while (!tokens_.at_operator(")")) {
      if (!code.parameters.empty()) {
        tokens_.expect_operator(",");
      }
      code.parameters.push_back(expressions_.name_to_assign());
      if (tokens_.take_operator("=")) {
        code.defaults.push_back(expressions_.expression());
      } else if (!code.defaults.empty()) {
        tokens_.fail_syntax("non-default argument follows default argument");
      }
    }
    tokens_.expect_operator(")");
  }

  void macro_body(MacroCode& code, std::string_view end, std::string_view tag) {
    expressions_.open_macros.push_back(&code);
    const int loops = std::exchange(loops_, 0);  // break does not reach out of a macro
    block(code.body, {end}, tag);
    loops_ = loops;
    expressions_.open_macros.pop_back();
    if (std::ranges::find(code.parameters, "caller") != code.parameters.end()) {
      throw TemplateFailure(FailureKind::Unsupported, "a macro parameter named 'caller'",
                            tokens_.current().line);
    }
  }

  void macro(Body& out) {
    const int line = tokens_.take().line;
    auto code = std::make_shared<MacroCode>();
    code->name = expressions_.name_to_assign();
    signature(*code);
    macro_body(*code, "endmacro", "macro");
    out.push_back({line, MacroStatement{std::move(code)}});
  }

  void call_block(Body& out) {
    const int line = tokens_.take().line;
    auto code = std::make_shared<MacroCode>();
    code->name = "caller";
    if (tokens_.at_operator("(")) {
      signature(*code);
    }
    ExpressionPtr call = expressions_.expression();
    if (!std::holds_alternative<CallNode>(call->node)) {
      tokens_.fail_syntax("expected call");
    }
    macro_body(*code, "endcall", "call");
    out.push_back({line, CallStatement{std::move(code), std::move(call)}});
  }

  void filter_block(Body& out) {
    const int line = tokens_.take().line;
    FilterStatement node{.filter = expressions_.filters(nullptr, true), .body = {}};
    block(node.body, {"endfilter"}, "filter");
    out.push_back({line, std::move(node)});
  }

  void generation(Body& out) {
    const int line = tokens_.take().line;
    GenerationStatement node;
    const int loops = std::exchange(loops_, 0);
    block(node.body, {"endgeneration"}, "generation");
    loops_ = loops;
    out.push_back({line, std::move(node)});
  }

  void print(Body& out) {
    const int line = tokens_.take().line;
    bool first = true;
    while (!tokens_.at(TokenKind::BlockEnd)) {
      if (!std::exchange(first, false)) {
        tokens_.expect_operator(",");
      }
      out.push_back({line, PrintStatement{expressions_.expression()}});
    }
  }

  void loop_control(Body& out) {
    const Token token = tokens_.take();
    if (loops_ == 0) {
      throw TemplateFailure(FailureKind::Syntax, fmt::format("'{}' outside loop", token.text),
                            token.line);
    }
    if (token.text == "break") {
      out.push_back({token.line, BreakStatement{}});
    } else {
      out.push_back({token.line, ContinueStatement{}});
    }
  }

  TokenStream tokens_;
  ExpressionParser expressions_;
  std::vector<Names> ends_;        // of the open blocks, innermost last
  std::vector<std::string> tags_;  // likewise
  int loops_ = 0;                  // open for loops that break would leave
};

}  // namespace

Body parse_template(std::string_view source) {
  return StatementParser(source).run();
}

}  // namespace cajal::jinja
