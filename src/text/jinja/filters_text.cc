#include <algorithm>
#include <array>
#include <cmath>

#include "base/utf8.h"
#include "text/jinja/attributes.h"
#include "text/jinja/call_arguments.h"
#include "text/jinja/evaluator.h"
#include "text/jinja/filters.h"
#include "text/jinja/format.h"
#include "text/jinja/json_text.h"
#include "text/jinja/operations.h"
#include "text/jinja/text_tools.h"
#include "text/jinja/unicode.h"

namespace cajal::jinja {
namespace {

bool is_markup(const Value& x) {
  return x.is_text() && x.text_data().markup;
}

/// What Jinja's soft_str gives: text stays as it is, anything else is printed.
Value soft_text(Evaluator& evaluator, const Value& x) {
  return x.is_text() ? x : Value::text(to_text(evaluator, x));
}

/// A filter that is a method of str.
template <char kind>
Value as_method(Evaluator& evaluator, const Value& x, Arguments arguments) {
  constexpr std::string_view kNames = "upper lower capitalize";
  const std::string_view name = kind == 'u'   ? kNames.substr(0, 5)
                                : kind == 'l' ? kNames.substr(6, 5)
                                              : kNames.substr(12);
  return evaluator.call(attribute_of(evaluator, soft_text(evaluator, x), name),
                        std::move(arguments));
}

Value trim(Evaluator& evaluator, const Value& x, Arguments arguments) {
  const Bound bound("trim", std::move(arguments), {"chars"});
  return evaluator.call(attribute_of(evaluator, soft_text(evaluator, x), "strip"),
                        {{bound.value_or(0, Value::none())}, {}});
}

Value center(Evaluator& evaluator, const Value& x, Arguments arguments) {
  const Bound bound("center", std::move(arguments), {"width"});
  return evaluator.call(attribute_of(evaluator, soft_text(evaluator, x), "center"),
                        {{bound.value_or(0, Value::integer(80))}, {}});
}

/// Words begin after spaces and - ( { [ <.
Value title(Evaluator& evaluator, const Value& x, Arguments arguments) {
  const Bound bound("title", std::move(arguments), {});
  const Value text = soft_text(evaluator, x);
  evaluator.budget().bytes(text.as_text().size());
  const auto between = [](char32_t c) {
    return is_space(c) || std::u32string_view(U"-({[<").find(c) != std::u32string_view::npos;
  };
  const std::u32string in = to_utf32(text.as_text());
  std::string out;
  for (std::size_t i = 0; i < in.size();) {
    std::size_t end = i + 1;
    while (end < in.size() && between(in[end]) == between(in[i])) {
      ++end;
    }
    const std::u32string_view word = std::u32string_view(in).substr(i, end - i);
    out += to_upper(to_utf8(word.substr(0, 1))) + to_lower(to_utf8(word.substr(1)));
    i = end;
  }
  return Value::text(std::move(out));
}

Value replace(Evaluator& evaluator, const Value& x, Arguments arguments) {
  const Bound bound("replace", std::move(arguments), {"old", "new", "count"}, 2);
  const Int count = bound.given(2) ? bound.integer(2, -1) : -1;
  return Value::text(replaced(evaluator, to_text(evaluator, x), to_text(evaluator, bound.at(0)),
                              to_text(evaluator, bound.at(1)), count));
}

Value string(Evaluator& evaluator, const Value& x, Arguments arguments) {
  const Bound bound("string", std::move(arguments), {});
  return soft_text(evaluator, x);
}

Value safe(Evaluator& evaluator, const Value& x, Arguments arguments) {
  const Bound bound("safe", std::move(arguments), {});
  return Value::text(to_text(evaluator, x), true);
}

Value escape(Evaluator& evaluator, const Value& x, Arguments arguments) {
  const Bound bound("escape", std::move(arguments), {});
  evaluator.budget().bytes(is_markup(x) ? 0 : to_text(evaluator, x).size() * 5);
  return is_markup(x) ? x : Value::text(escaped(to_text(evaluator, x)), true);
}

Value force_escape(Evaluator& evaluator, const Value& x, Arguments arguments) {
  const Bound bound("forceescape", std::move(arguments), {});
  evaluator.budget().bytes(to_text(evaluator, x).size() * 5);
  return Value::text(escaped(to_text(evaluator, x)), true);
}

std::string percent_encoded(std::string_view text, bool for_query) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("_.-~").find(c) != std::string_view::npos ||
                       (c == '/' && !for_query);
    if (plain) {
      out += c;
    } else if (c == ' ' && for_query) {
      out += '+';
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

Value url_encode(Evaluator& evaluator, const Value& x, Arguments arguments) {
  const Bound bound("urlencode", std::move(arguments), {});
  if (x.is_text() || !iterable(x)) {
    const std::string text = to_text(evaluator, x);
    evaluator.budget().bytes(text.size() * 3);
    return Value::text(percent_encoded(text, false));
  }
  if (!x.is_dict()) {
    raise(FailureKind::Unsupported, "urlencode of a list of pairs");
  }
  std::string out;
  for (const auto& [key, value] : x.as_dict().members) {
    out += out.empty() ? "" : "&";
    out += percent_encoded(to_text(evaluator, key), true) + "=" +
           percent_encoded(to_text(evaluator, value), true);
    evaluator.budget().bytes(out.size() / 8);
  }
  return Value::text(std::move(out));
}

Value indent(Evaluator& evaluator, const Value& x, Arguments arguments) {
  const Bound bound("indent", std::move(arguments), {"width", "first", "blank"});
  if (!x.is_text()) {
    need_defined(x);
    raise(FailureKind::Type, "unsupported operand type(s) for +=: '{}' and 'str'", x.type_name());
  }
  const bool is_width = !bound.has(0) || !bound.at(0).is_text();
  const std::string margin =
      is_width ? std::string(checked_size(evaluator, bound.integer(0, 4)), ' ') : bound.text(0);
  const Parts lines = lines_of(x.as_text() + "\n", Ends::Drop);
  evaluator.budget().bytes(x.as_text().size() * 2);
  std::string out = bound.truthy(1) ? margin : "";
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const bool indented = i > 0 && (bound.truthy(2) || !lines[i].empty());
    evaluator.budget().bytes(indented ? margin.size() : 0);
    out += (i == 0 ? "" : "\n") + (indented ? margin : std::string()) + lines[i];
  }
  return Value::text(std::move(out), is_markup(x));
}

Value truncate(Evaluator& evaluator, const Value& x, Arguments arguments) {
  const Bound bound("truncate", std::move(arguments), {"length", "killwords", "end", "leeway"});
  const Value text = soft_text(evaluator, x);
  const std::string end = bound.has(2) ? bound.text(2) : "...";
  const Int length = bound.integer(0, 255);
  const Int leeway = bound.given(3) ? bound.integer(3, 5) : 5;
  const Int end_size = static_cast<Int>(count_code_points(end));
  if (length < end_size || leeway < 0 || length > (Int{1} << 60) || leeway > (Int{1} << 60)) {
    raise(FailureKind::Value, "truncate: expected length >= {} and leeway >= 0",
          print_int(end_size));
  }
  if (static_cast<Int>(text.text_data().points) <= length + leeway) {
    return text;
  }
  std::string_view kept = text.as_text();
  kept = kept.substr(0, offset_of(kept, static_cast<std::size_t>(length - end_size)));
  if (!bound.truthy(1) && kept.rfind(' ') != kept.npos) {
    kept = kept.substr(0, kept.rfind(' '));
  }
  return Value::text(std::string(kept) + end);
}

Value word_count(Evaluator& evaluator, const Value& x, Arguments arguments) {
  const Bound bound("wordcount", std::move(arguments), {});
  Int count = 0;
  bool inside = false;
  for (const char32_t c : to_utf32(to_text(evaluator, x))) {
    count += is_word(c) && !inside ? 1 : 0;
    inside = is_word(c);
  }
  return Value::integer(count);
}

Value format(Evaluator& evaluator, const Value& x, Arguments arguments) {
  if (!arguments.positional.empty() && !arguments.named.empty()) {
    raise(FailureKind::Type, "can't handle positional and keyword arguments at the same time");
  }
  if (arguments.named.empty()) {
    return format_percent(evaluator, soft_text(evaluator, x),
                          Value::tuple(std::move(arguments.positional)));
  }
  std::vector<std::pair<Value, Value>> members;
  for (const auto& [name, value] : arguments.named) {
    members.emplace_back(Value::text(name), value);
  }
  return format_percent(evaluator, soft_text(evaluator, x), Value::dict(std::move(members)));
}

void set_separators(Evaluator& evaluator, const Value& separators, JsonStyle& style) {
  const Values two = items_of(evaluator, separators);
  if (two.size() != 2 || !two[0].is_text() || !two[1].is_text()) {
    raise(FailureKind::Value, "tojson: separators must be two strings");
  }
  style.between = two[0].as_text();
  style.after_key = two[1].as_text();
}

Value to_json(Evaluator& evaluator, const Value& x, Arguments arguments) {
  const Bound bound("tojson", std::move(arguments),
                    {"ensure_ascii", "indent", "separators", "sort_keys"});
  JsonStyle style{.ascii_only = bound.truthy(0),
                  .sort_keys = bound.truthy(3),
                  .pretty = false,
                  .indent = {},
                  .between = ", ",
                  .after_key = ": "};
  if (bound.given(1)) {
    style.pretty = true;
    style.between = ",";
    const bool text = bound.at(1).is_text();
    style.indent =
        text ? bound.text(1) : std::string(checked_size(evaluator, bound.integer(1, 0)), ' ');
  }
  if (bound.given(2)) {
    set_separators(evaluator, bound.at(2), style);
  }
  return Value::text(json_text(evaluator, x, style));
}

Value to_int(Evaluator& /*evaluator*/, const Value& x, Arguments arguments) {
  const Bound bound("int", std::move(arguments), {"default", "base"});
  const Value otherwise = bound.value_or(0, Value::integer(0));
  const Int base = bound.integer(1, 10);
  if (base != 2 && base != 8 && base != 10 && base != 16) {
    raise(FailureKind::Unsupported, "int with base {}", print_int(base));
  }
  need_defined(x);
  if (x.is_integral()) {
    return Value::integer(x.as_int());
  }
  std::optional<double> real = x.is_real() ? std::optional(x.as_real()) : std::nullopt;
  if (x.is_text()) {
    if (const auto whole = int_from_text(x.as_text(), static_cast<int>(base))) {
      return Value::integer(*whole);
    }
    real = real_from_text(x.as_text());
  }
  return real && std::isfinite(*real) ? Value::integer(truncated(*real)) : otherwise;
}

Value to_float(Evaluator& /*evaluator*/, const Value& x, Arguments arguments) {
  const Bound bound("float", std::move(arguments), {"default"});
  const Value otherwise = bound.value_or(0, Value::real(0.0));
  need_defined(x);
  if (x.is_number()) {
    return Value::real(x.as_real());
  }
  const std::optional<double> real = x.is_text() ? real_from_text(x.as_text()) : std::nullopt;
  return real ? Value::real(*real) : otherwise;
}

Value absolute(Evaluator& /*evaluator*/, const Value& x, Arguments arguments) {
  const Bound bound("abs", std::move(arguments), {});
  need_defined(x);
  if (!x.is_number()) {
    raise(FailureKind::Type, "bad operand type for abs(): '{}'", x.type_name());
  }
  if (x.is_real()) {
    return Value::real(std::abs(x.as_real()));
  }
  return x.as_int() < 0 ? negated(x) : Value::integer(x.as_int());
}

Value round(Evaluator& /*evaluator*/, const Value& x, Arguments arguments) {
  const Bound bound("round", std::move(arguments), {"precision", "method"});
  const std::string method = bound.has(1) ? bound.text(1) : "common";
  const Int precision = std::clamp(bound.integer(0, 0), Int{-400}, Int{400});
  if (method != "common" && method != "ceil" && method != "floor") {
    raise(FailureKind::Type, "method must be common, ceil or floor");
  }
  need_defined(x);
  if (!x.is_number()) {
    raise(FailureKind::Type, "type {} doesn't define __round__ method", x.type_name());
  }
  if (method == "common") {
    if (x.is_integral() && precision < 0) {
      raise(FailureKind::Unsupported, "rounding an integer to tens");
    }
    return x.is_integral() ? Value::integer(x.as_int())
                           : Value::real(rounded(x.as_real(), static_cast<int>(precision)));
  }
  const double scale = std::pow(10.0, static_cast<double>(precision));
  const double scaled = x.as_real() * scale;
  return Value::real((method == "ceil" ? std::ceil(scaled) : std::floor(scaled)) / scale);
}

Value not_supported(Evaluator& /*evaluator*/, const Value& /*x*/, Arguments /*arguments*/) {
  raise(FailureKind::Unsupported, "this filter");
}

constexpr auto kTextFilters = std::to_array<std::pair<std::string_view, Filter>>({
    {"upper", as_method<'u'>},
    {"lower", as_method<'l'>},
    {"capitalize", as_method<'c'>},
    {"trim", trim},
    {"center", center},
    {"title", title},
    {"replace", replace},
    {"string", string},
    {"safe", safe},
    {"e", escape},
    {"escape", escape},
    {"forceescape", force_escape},
    {"urlencode", url_encode},
    {"indent", indent},
    {"truncate", truncate},
    {"wordcount", word_count},
    {"format", format},
    {"tojson", to_json},
    {"int", to_int},
    {"float", to_float},
    {"abs", absolute},
    {"round", round},
    {"filesizeformat", not_supported},
    {"pprint", not_supported},
    {"random", not_supported},
    {"striptags", not_supported},
    {"urlize", not_supported},
    {"wordwrap", not_supported},
    {"xmlattr", not_supported},
});

}  // namespace

Filter text_filter(std::string_view name) {
  const auto* it =
      std::ranges::find(kTextFilters, name, &std::pair<std::string_view, Filter>::first);
  return it == kTextFilters.end() ? nullptr : it->second;
}

bool is_filter(std::string_view name) {
  return text_filter(name) != nullptr || list_filter(name) != nullptr;
}

Value Evaluator::call_filter(std::string_view name, const Value& x, Arguments arguments) {
  const Level level(*this);
  Filter filter = text_filter(name);
  filter = filter != nullptr ? filter : list_filter(name);
  if (filter == nullptr) {
    raise(FailureKind::Assertion, "No filter named '{}'.", name);
  }
  if (filter == not_supported) {
    raise(FailureKind::Unsupported, "the filter '{}'", name);
  }
  budget_.steps(x.is_text() ? x.as_text().size() / kBytesPerStep : 0);
  return filter(*this, x, std::move(arguments));
}

}  // namespace cajal::jinja
