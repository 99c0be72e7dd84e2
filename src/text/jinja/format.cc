#include "text/jinja/format.h"

#include <cmath>

#include "base/utf8.h"
#include "text/jinja/attributes.h"
#include "text/jinja/evaluator.h"
#include "text/jinja/format_spec.h"
#include "text/jinja/operations.h"

namespace cajal::jinja {
namespace {

void need_no_markup(const Value& format) {
  if (format.text_data().markup) {
    raise(FailureKind::Unsupported, "formatting a text that was marked safe or escaped");
  }
}

class PercentFormatter {
 public:
  PercentFormatter(Evaluator& evaluator, std::string_view format, const Value& values)
      : evaluator_(evaluator), rest_(format), values_(values) {}

  std::string run() {
    while (!rest_.empty()) {
      const std::size_t at = std::min(rest_.find('%'), rest_.size());
      out_ += rest_.substr(0, at);
      rest_.remove_prefix(at);
      if (!rest_.empty()) {
        rest_.remove_prefix(1);
        conversion();
      }
      evaluator_.budget().bytes(out_.size() / 16);
    }
    const bool all_used = values_.is_tuple() ? used_ == values_.as_sequence().items.size()
                                             : used_ == 1 || values_.is_dict() || values_.is_list();
    if (!all_used) {
      raise(FailureKind::Type, "not all arguments converted during string formatting");
    }
    return std::move(out_);
  }

 private:
  void conversion() {
    FormatSpec spec;
    if (rest_.starts_with('%')) {
      rest_.remove_prefix(1);
      out_ += '%';
      return;
    }
    const Value* named = key();
    flags(spec);
    spec.width = take_number(rest_);
    if (rest_.starts_with('.')) {
      rest_.remove_prefix(1);
      spec.precision = take_number(rest_);
    }
    if (rest_.empty()) {
      raise(FailureKind::Value, "incomplete format");
    }
    if (rest_[0] == '*') {
      raise(FailureKind::Unsupported, "* as the width of a % format");
    }
    spec.type = rest_[0];
    rest_.remove_prefix(1);
    convert(spec, named != nullptr ? *named : next());
  }

  /// The value that %(name)s names; nullptr if there is no name.
  const Value* key() {
    if (!rest_.starts_with('(')) {
      return nullptr;
    }
    const std::size_t end = rest_.find(')');
    if (!values_.is_dict() || end == rest_.npos) {
      raise(FailureKind::Type, "format requires a mapping");
    }
    const std::string_view name = rest_.substr(1, end - 1);
    const Value* value = values_.as_dict().find(name);
    if (value == nullptr) {
      raise(FailureKind::Value, "KeyError: {}", repr_text(name));
    }
    rest_.remove_prefix(end + 1);
    used_ = 1;
    return value;
  }

  void flags(FormatSpec& spec) {
    bool left = false;
    bool zero = false;
    for (; !rest_.empty(); rest_.remove_prefix(1)) {
      const char c = rest_[0];
      left = left || c == '-';
      zero = zero || c == '0';
      spec.alternate = spec.alternate || c == '#';
      if (c == '+' || (c == ' ' && spec.sign == '-')) {
        spec.sign = c;
      } else if (c != '-' && c != '0' && c != '#' && c != ' ') {
        break;
      }
    }
    spec.align = left ? '<' : zero ? '=' : '>';
    spec.fill = zero && !left ? U'0' : U' ';
  }

  const Value& next() {
    const std::size_t i = used_++;
    if (!values_.is_tuple()) {
      if (i > 0) {
        raise(FailureKind::Type, "not enough arguments for format string");
      }
      return values_;
    }
    if (i >= values_.as_sequence().items.size()) {
      raise(FailureKind::Type, "not enough arguments for format string");
    }
    return values_.as_sequence().items[i];
  }

  void convert(FormatSpec spec, const Value& x) {
    const std::string_view kinds = "diufFeEgGxXo";
    if (spec.type == 's' || spec.type == 'r') {
      spec.fill = U' ';
      spec.align = spec.align == '<' ? '<' : '>';
      out_ += format_text(spec, spec.type == 's' ? to_text(evaluator_, x) : repr(evaluator_, x));
      return;
    }
    if (kinds.find(spec.type) == kinds.npos) {
      raise(FailureKind::Unsupported, "the conversion %{} in a format",
            sanitize_utf8(std::string_view(&spec.type, 1)));
    }
    const bool real = std::string_view("fFeEgG").find(spec.type) != std::string_view::npos;
    const bool whole = std::string_view("xXo").find(spec.type) != std::string_view::npos;
    need_defined(x);
    if (!x.is_number() || (whole && x.is_real())) {
      raise(FailureKind::Type, "%{} format: {} is required, not {}", spec.type,
            whole ? "an integer" : "a real number", x.type_name());
    }
    if (real) {
      out_ += format_real(spec, x.as_real());
      return;
    }
    spec.type = whole ? spec.type : 'd';
    out_ += format_int(spec, x.is_real() ? truncated(x.as_real()) : x.as_int());
  }

  Evaluator& evaluator_;
  std::string_view rest_;
  const Value& values_;
  std::string out_;
  std::size_t used_ = 0;
};

class BraceFormatter {
 public:
  BraceFormatter(Evaluator& evaluator, std::string_view format, const Arguments& arguments)
      : evaluator_(evaluator), rest_(format), arguments_(arguments) {}

  std::string run() {
    while (!rest_.empty()) {
      const char c = rest_[0];
      rest_.remove_prefix(1);
      if ((c == '{' || c == '}') && rest_.starts_with(c)) {
        rest_.remove_prefix(1);
        out_ += c;
      } else if (c == '{') {
        field();
      } else if (c == '}') {
        raise(FailureKind::Value, "Single '}}' encountered in format string");
      } else {
        out_ += c;
      }
    }
    return std::move(out_);
  }

 private:
  void field() {
    const std::size_t end = rest_.find('}');
    if (end == rest_.npos) {
      raise(FailureKind::Value, "Single '{{' encountered in format string");
    }
    std::string_view body = rest_.substr(0, end);
    if (body.find('{') != body.npos) {
      raise(FailureKind::Unsupported, "a field inside a field of a format");
    }
    rest_.remove_prefix(end + 1);
    const std::size_t colon = std::min(body.find(':'), body.size());
    const std::string_view spec = body.substr(std::min(colon + 1, body.size()));
    body = body.substr(0, colon);
    const std::size_t mark = body.find('!');
    const std::string_view conversion = mark == body.npos ? "" : body.substr(mark + 1);
    Value x = value_of(body.substr(0, mark));
    if (!conversion.empty() && conversion != "s" && conversion != "r") {
      raise(FailureKind::Unsupported, "the conversion !{} in a format", conversion);
    }
    if (!conversion.empty()) {
      x = Value::text(conversion == "s" ? to_text(evaluator_, x) : repr(evaluator_, x));
    }
    write(x, spec);
    evaluator_.budget().bytes(out_.size() / 16);
  }

  void write(const Value& x, std::string_view text) {
    if (text.empty()) {
      out_ += to_text(evaluator_, x);
      return;
    }
    const FormatSpec spec = parse_format_spec(text);
    if (x.is_text() && (spec.type == '\0' || spec.type == 's') && spec.align != '=' &&
        spec.grouping == '\0') {
      out_ += format_text(spec, x.as_text());
    } else if (x.is_int()) {
      if (spec.precision && (spec.type == '\0' || spec.type == 'd')) {
        raise(FailureKind::Value, "Precision not allowed in integer format specifier");
      }
      out_ += format_int(spec, x.as_int());
    } else if (x.is_real()) {
      out_ += format_real(spec, x.as_real());
    } else {
      raise(FailureKind::Unsupported, "the format '{}' of a value of type '{}'", text,
            x.type_name());
    }
  }

  /// "", "0", "name", then ".attribute" and "[item]".
  Value value_of(std::string_view path) {
    const std::size_t end = std::min(path.find_first_of(".["), path.size());
    Value out = first(path.substr(0, end));
    path.remove_prefix(end);
    while (!path.empty()) {
      const bool item = path[0] == '[';
      const std::size_t stop =
          std::min(item ? path.find(']') : path.find_first_of(".[", 1), path.size());
      const std::string_view name = path.substr(1, stop - 1);
      out = item ? item_of(evaluator_, out, index(name)) : attribute_of(evaluator_, out, name);
      path.remove_prefix(std::min(stop + (item ? 1 : 0), path.size()));
    }
    return out;
  }

  static Value index(std::string_view name) {
    const bool number = !name.empty() && name.find_first_not_of("0123456789") == name.npos;
    return number ? Value::integer(int_from(name, 10)) : Value::text(std::string(name));
  }

  Value first(std::string_view name) {
    const Value key = name.empty() ? Value::size(used_++) : index(name);
    if (key.is_int()) {
      if (key.as_int() >= static_cast<Int>(arguments_.positional.size())) {
        raise(FailureKind::Value,
              "IndexError: Replacement index {} out of range for positional args tuple",
              print_int(key.as_int()));
      }
      return arguments_.positional[static_cast<std::size_t>(key.as_int())];
    }
    for (const auto& [given, value] : arguments_.named) {
      if (given == key.as_text()) {
        return value;
      }
    }
    raise(FailureKind::Value, "KeyError: {}", repr_text(name));
  }

  Evaluator& evaluator_;
  std::string_view rest_;
  const Arguments& arguments_;
  std::string out_;
  std::size_t used_ = 0;
};

}  // namespace

Value format_percent(Evaluator& evaluator, const Value& format, const Value& values) {
  need_no_markup(format);
  return Value::text(PercentFormatter(evaluator, format.as_text(), values).run());
}

Value format_braces(Evaluator& evaluator, const Value& format, const Arguments& arguments) {
  need_no_markup(format);
  return Value::text(BraceFormatter(evaluator, format.as_text(), arguments).run());
}

}  // namespace cajal::jinja
