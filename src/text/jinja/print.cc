// str() and repr() of operations.h.
#include <fmt/format.h>

#include "base/utf8.h"
#include "text/jinja/evaluator.h"
#include "text/jinja/operations.h"
#include "text/jinja/unicode.h"

namespace cajal::jinja {
namespace {

void append_escaped(std::string& out, char32_t c, char quote) {
  const auto value = static_cast<std::uint32_t>(c);
  if (c == static_cast<unsigned char>(quote) || c == U'\\') {
    out += '\\';
    out += static_cast<char>(c);
  } else if (c == U'\n') {
    out += "\\n";
  } else if (c == U'\r') {
    out += "\\r";
  } else if (c == U'\t') {
    out += "\\t";
  } else if (is_printable(c)) {
    append_utf8(out, c);
  } else if (value < 0x100) {
    out += fmt::format("\\x{:02x}", value);
  } else if (value < 0x10000) {
    out += fmt::format("\\u{:04x}", value);
  } else {
    out += fmt::format("\\U{:08x}", value);
  }
}

std::string repr_items(Evaluator& evaluator, const Values& items) {
  std::string out;
  for (const Value& item : items) {
    if (!out.empty()) {
      out += ", ";
    }
    out += repr(evaluator, item);
    evaluator.budget().bytes(out.size() / 16);
  }
  return out;
}

std::string repr_sequence(Evaluator& evaluator, const Sequence& sequence) {
  const auto inside = [&] { return repr_items(evaluator, sequence.items); };
  switch (sequence.kind) {
    case SequenceKind::List:
      return fmt::format("[{}]", inside());
    case SequenceKind::Tuple:
    case SequenceKind::Group:
      return fmt::format("({}{})", inside(), sequence.items.size() == 1 ? "," : "");
    case SequenceKind::Range:
      return sequence.printed_range;
    case SequenceKind::KeysView:
      return fmt::format("dict_keys([{}])", inside());
    case SequenceKind::ValuesView:
      return fmt::format("dict_values([{}])", inside());
    case SequenceKind::ItemsView:
      return fmt::format("dict_items([{}])", inside());
    case SequenceKind::Generator:
    case SequenceKind::ListIterator:
      break;
  }
  raise(FailureKind::Unsupported,
        "printing a generator, which has no text of its own; add | list or | join");
}

std::string repr_dict(Evaluator& evaluator, const Dict& dict) {
  std::string out;
  for (const auto& [key, value] : dict.members) {
    out += out.empty() ? "" : ", ";
    out += repr(evaluator, key) + ": " + repr(evaluator, value);
    evaluator.budget().bytes(out.size() / 16);
  }
  return fmt::format("{{{}}}", out);
}

}  // namespace

std::string repr_text(std::string_view text) {
  const bool single = text.find('\'') != text.npos && text.find('"') == text.npos;
  const char quote = single ? '"' : '\'';
  std::string out(1, quote);
  while (!text.empty()) {
    const CodePoint c = decode_utf8(text);
    append_escaped(out, c.value, quote);
    text.remove_prefix(c.length);
  }
  return out + quote;
}

std::string repr(Evaluator& evaluator, const Value& x) {
  evaluator.budget().steps(1);
  if (x.is_text()) {
    evaluator.budget().bytes(x.as_text().size());
    const std::string text = repr_text(x.as_text());
    return x.text_data().markup ? fmt::format("Markup({})", text) : text;
  }
  if (x.is_none()) {
    return "None";
  }
  if (x.is_bool()) {
    return x.is_true() ? "True" : "False";
  }
  if (x.is_int()) {
    return print_int(x.as_int());
  }
  if (x.is_real()) {
    return print_real(x.as_real());
  }
  if (x.is_sequence()) {
    return repr_sequence(evaluator, x.as_sequence());
  }
  if (x.is_dict()) {
    return repr_dict(evaluator, x.as_dict());
  }
  return x.is_undefined() ? "Undefined" : x.as_object()->repr(evaluator);
}

std::string to_text(Evaluator& evaluator, const Value& x) {
  if (x.is_text()) {
    return x.as_text();
  }
  return x.is_undefined() ? "" : repr(evaluator, x);
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&#34;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

}  // namespace cajal::jinja
