// A template as tokens: text between tags is cut and trimmed here, as Jinja does it with
// trim_blocks and lstrip_blocks on (the setting that every chat template is written for).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "text/jinja/value.h"

namespace cajal::jinja {

enum class TokenKind : std::uint8_t {
  Data,           // text to write as it is
  VariableBegin,  // {{
  VariableEnd,
  BlockBegin,  // {%
  BlockEnd,
  Name,
  String,  // escapes resolved
  Integer,
  Float,
  Operator,  // `text` is the operator itself
  End,
};

struct Token {
  TokenKind kind = TokenKind::End;
  std::string text;
  Value number;  // Integer and Float
  int line = 1;
};

/// The tokens, with an End at the end. Raises Syntax (an unclosed comment, a stray bracket) and
/// Unsupported (names that are not ASCII), with the line. `source` must be valid UTF-8.
std::vector<Token> tokenize(std::string_view source);

/// How an error message calls the token.
std::string describe(const Token& token);

}  // namespace cajal::jinja
