#include "text/pattern.h"

#include "base/error.h"
#include "base/utf8.h"
#include "text/find_text.h"

namespace cajal {
namespace {

void find_literal(std::string_view text, std::string_view wanted, std::vector<ByteRange>& matches) {
  if (wanted.size() > text.size()) {
    return;  // before Finder makes its table
  }
  const Finder finder(wanted);
  std::size_t at = finder.next(text, 0);
  while (at != Finder::kNone) {
    matches.push_back({at, at + wanted.size()});
    std::size_t next = at + wanted.size();
    if (wanted.empty()) {  // once before each character and at the end
      next += next < text.size() ? decode_utf8(text.substr(next)).length : 1;
    }
    at = next <= text.size() ? finder.next(text, next) : Finder::kNone;
  }
}

}  // namespace

Pattern Pattern::literal(std::string_view text) {
  Pattern out;
  out.literal_ = std::string(text);
  return out;
}

Pattern Pattern::regex(std::string_view pattern, std::string_view where) {
  Pattern out;
  out.scanner_ = scanner_for(pattern);
  if (out.scanner_ == nullptr) {
    out.regex_ = std::make_shared<const Regex>(pattern, where);
  }
  return out;
}

Pattern Pattern::from_json(const Json& json, std::string_view where) {
  if (const Json* text = json.find("String")) {
    return literal(text->as_string(where));
  }
  if (const Json* expression = json.find("Regex")) {
    return regex(expression->as_string(where), where);
  }
  fail(ErrorCode::CorruptData, "{}: expected {{\"String\": ...}} or {{\"Regex\": ...}}, found {}",
       where, json.kind());
}

void Pattern::find_all(std::string_view text, std::vector<ByteRange>& matches) const {
  if (text.empty()) {
    return;  // not even an empty pattern matches there
  }
  if (literal_) {
    find_literal(text, *literal_, matches);
  } else if (scanner_ != nullptr) {
    scanner_(text, matches);
  } else {
    regex_->find_all(text, matches);
  }
}

}  // namespace cajal
