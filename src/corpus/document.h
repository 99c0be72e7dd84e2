// A text with what is known to be true of it.
//
// Spans say what a range of bytes means, also what is meant but not written: "Dallas" carries
// state=Texas. docs/world.md lists every kind. A text has no special tokens; packing adds them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "io/json.h"

namespace cajal {

/// Bytes [begin, end) of a text. What it says is known once the token that holds byte `end - 1` has
/// been read: that is where it should be decodable.
struct Span {
  std::size_t begin = 0;
  std::size_t end = 0;
  std::string kind;   // "state", "sum.ones"
  std::string value;  // "Texas", "5"
  friend bool operator==(const Span&, const Span&) = default;
};

struct Document {
  std::string text;  // UTF-8
  std::vector<Span> spans;
  friend bool operator==(const Document&, const Document&) = default;
};

/// The bytes of `text` that the span covers.
inline std::string_view covered(std::string_view text, const Span& span) {
  return text.substr(span.begin, span.end - span.begin);
}

/// {"text": "…", "spans": [{"begin": 0, "end": 6, "kind": "state", "value": "Texas"}]}
Json to_json(const Document& document);
/// The same back; "spans" may be absent, other members are ignored. Throws CorruptData naming
/// `where` for a wrong type, text that is not UTF-8, or a span that is empty or beyond the text.
Document document_from_json(const Json& json, std::string_view where);

}  // namespace cajal
