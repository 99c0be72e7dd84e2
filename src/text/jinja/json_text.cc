#include "text/jinja/json_text.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "base/utf8.h"
#include "text/jinja/evaluator.h"
#include "text/jinja/operations.h"
#include "text/jinja/stable_sort.h"

namespace cajal::jinja {
namespace {

std::string real_text(double x) {
  if (std::isnan(x)) {
    return "NaN";
  }
  return std::isinf(x) ? (x < 0 ? "-Infinity" : "Infinity") : print_real(x);
}

void append_unit(std::string& out, std::uint32_t unit) {
  out += fmt::format("\\u{:04x}", unit);
}

void append_character(std::string& out, char32_t c, bool ascii_only) {
  constexpr std::string_view kShort = "\"\\\b\f\n\r\t";
  constexpr std::string_view kLetters = "\"\\bfnrt";
  const auto value = static_cast<std::uint32_t>(c);
  if (value < 0x80 && kShort.find(static_cast<char>(c)) != kShort.npos) {
    out += '\\';
    out += kLetters[kShort.find(static_cast<char>(c))];
  } else if (value < 0x20 || (ascii_only && value > 0x7E && value < 0x10000)) {
    append_unit(out, value);
  } else if (ascii_only && value >= 0x10000) {
    append_unit(out, 0xD800 + ((value - 0x10000) >> 10U));
    append_unit(out, 0xDC00 + ((value - 0x10000) & 0x3FFU));
  } else {
    append_utf8(out, c);
  }
}

std::string quoted(std::string_view text, bool ascii_only) {
  std::string out = "\"";
  while (!text.empty()) {
    const CodePoint c = decode_utf8(text);
    append_character(out, c.value, ascii_only);
    text.remove_prefix(c.length);
  }
  return out + "\"";
}

class Writer {
 public:
  Writer(Evaluator& evaluator, const JsonStyle& style) : evaluator_(evaluator), style_(style) {}

  void write(const Value& x, int level) {
    evaluator_.budget().steps(1);
    if (x.is_text()) {
      evaluator_.budget().bytes(x.as_text().size());
      out_ += quoted(x.as_text(), style_.ascii_only);
    } else if (x.is_none()) {
      out_ += "null";
    } else if (x.is_bool()) {
      out_ += x.is_true() ? "true" : "false";
    } else if (x.is_int()) {
      out_ += print_int(x.as_int());
    } else if (x.is_real()) {
      out_ += real_text(x.as_real());
    } else if (x.is_list() || x.is_tuple()) {
      write_items(x.as_sequence().items, level);
    } else if (x.is_dict()) {
      write_members(x.as_dict().members, level);
    } else {
      raise(FailureKind::Type, "Object of type {} is not JSON serializable", x.type_name());
    }
  }

  std::string take() { return std::move(out_); }

 private:
  void line(int level) {
    if (style_.pretty) {
      evaluator_.budget().bytes(1 + style_.indent.size() * static_cast<std::size_t>(level));
      out_ += '\n';
      for (int i = 0; i < level; ++i) {
        out_ += style_.indent;
      }
    }
  }

  void write_items(const Values& items, int level) {
    out_ += '[';
    for (std::size_t i = 0; i < items.size(); ++i) {
      out_ += i == 0 ? "" : style_.between;
      line(level + 1);
      write(items[i], level + 1);
    }
    if (!items.empty()) {
      line(level);
    }
    out_ += ']';
  }

  void write_members(std::vector<std::pair<Value, Value>> members, int level) {
    if (style_.sort_keys) {
      stable_sort(members, [this](const auto& a, const auto& b) {
        return less(evaluator_, a.first, b.first);
      });
    }
    out_ += '{';
    for (std::size_t i = 0; i < members.size(); ++i) {
      out_ += i == 0 ? "" : style_.between;
      line(level + 1);
      out_ += quoted(key_text(members[i].first), style_.ascii_only) + style_.after_key;
      write(members[i].second, level + 1);
    }
    if (!members.empty()) {
      line(level);
    }
    out_ += '}';
  }

  static std::string key_text(const Value& key) {
    if (key.is_text()) {
      return key.as_text();
    }
    if (key.is_none()) {
      return "null";
    }
    if (key.is_bool()) {
      return key.is_true() ? "true" : "false";
    }
    if (key.is_int()) {
      return print_int(key.as_int());
    }
    if (key.is_real()) {
      return real_text(key.as_real());
    }
    raise(FailureKind::Type, "keys must be str, int, float, bool or None, not {}", key.type_name());
  }

  Evaluator& evaluator_;
  const JsonStyle& style_;
  std::string out_;
};

}  // namespace

std::string json_text(Evaluator& evaluator, const Value& x, const JsonStyle& style) {
  Writer writer(evaluator, style);
  writer.write(x, 0);
  return writer.take();
}

}  // namespace cajal::jinja
