#include "service/fields.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include <fmt/ranges.h>

#include "base/closest.h"
#include "base/error.h"
#include "base/split.h"

namespace cajal {
namespace {

template <typename... Cases>
struct Overload : Cases... {
  using Cases::operator()...;
};
template <typename... Cases>
Overload(Cases...) -> Overload<Cases...>;

[[noreturn]] void fail_value(const FieldInfo& info, std::string_view expected,
                             std::string_view found) {
  fail(ErrorCode::InvalidArgument, "{}: must be {}, not '{}'", info.name, expected,
       found.substr(0, 100));
}

std::string range_text(const FieldInfo& info) {
  if (info.above_min) {
    return fmt::format("more than {} and at most {}", info.min, info.max);
  }
  if (std::isinf(info.max)) {
    return std::isinf(info.min) ? "any number" : fmt::format("at least {}", info.min);
  }
  return std::isinf(info.min) ? fmt::format("at most {}", info.max)
                              : fmt::format("between {} and {}", info.min, info.max);
}

template <typename Number>
Number in_range(const FieldInfo& info, Number value) {
  const auto x = static_cast<double>(value);
  const bool inside = x >= info.min && x <= info.max;  // NaN is not
  if (!inside || (info.above_min && x == info.min)) {
    fail_value(info, range_text(info), fmt::format("{}", value));
  }
  return value;
}

template <typename Number>
Number number_from(const FieldInfo& info, std::string_view text, std::string_view expected) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) {
    fail_value(info, expected, text);
  }
  return value;
}

std::size_t count_from(const FieldInfo& info, std::string_view text) {
  const std::string expected = std::isinf(info.max) && info.min <= 0
                                   ? "a whole number from 0 on"
                                   : fmt::format("a whole number, {}", range_text(info));
  return in_range(info, number_from<std::size_t>(info, text, expected));
}

double real_from(const FieldInfo& info, std::string_view text) {
  const auto value = number_from<double>(info, text, "a number");
  if (!std::isfinite(value)) {
    fail_value(info, "a finite number", text);
  }
  return in_range(info, value);
}

std::string choice_of(const FieldInfo& info, std::string text) {
  const auto& choices = info.choices;
  if (!choices.empty() && std::find(choices.begin(), choices.end(), text) == choices.end()) {
    fail_value(info, fmt::format("one of {}", fmt::join(choices, ", ")), text);
  }
  return text;
}

std::string not_empty(const FieldInfo& info, std::string_view text) {
  check(!text.empty(), "{}: must not be empty", info.name);
  return std::string(text);
}

TokenId id_from(const FieldInfo& info, std::string_view text) {
  return number_from<TokenId>(info, trimmed(text), "token ids such as 1,2,3");
}

std::string where_of(std::string_view where, const FieldInfo& info) {
  return fmt::format("{}: {}", where, info.name);
}

/// A whole number may be written as people write large ones: 3e6.
std::int64_t whole_number_of(const Json& value, std::string_view where) {
  constexpr double kExact = 9007199254740992.0;  // 2^53
  const double x = value.is_double() ? value.as_double(where) : 0.5;
  return std::trunc(x) == x && std::abs(x) < kExact ? static_cast<std::int64_t>(x)
                                                    : value.as_int(where);
}

std::size_t count_of(const FieldInfo& info, const Json& value, std::string_view where) {
  const std::int64_t x = whole_number_of(value, where);
  if (x < 0) {
    fail_value(info, "a whole number from 0 on", fmt::format("{}", x));
  }
  return in_range(info, static_cast<std::size_t>(x));
}

TokenId id_of(const FieldInfo& info, const Json& value, std::string_view where) {
  const std::int64_t x = value.as_int(where);
  if (x < 0 || x > std::numeric_limits<TokenId>::max()) {
    fail_value(info, "token ids", fmt::format("{}", x));
  }
  return static_cast<TokenId>(x);
}

void set_from_json(const BoundField& field, const Json& value, std::string_view where) {
  const FieldInfo& info = field.info;
  const Overload set = {
      [&](bool* to) { *to = value.as_bool(where); },
      [&](std::size_t* to) { *to = count_of(info, value, where); },
      [&](std::optional<std::size_t>* to) { *to = count_of(info, value, where); },
      [&](double* to) { *to = in_range(info, value.as_double(where)); },
      [&](std::string* to) { *to = choice_of(info, value.as_string(where)); },
      [&](std::optional<std::string>* to) { *to = value.as_string(where); },
      [&](std::vector<std::string>* to) {
        to->clear();
        for (const Json& x : value.as_array(where)) {
          to->push_back(not_empty(info, x.as_string(where)));
        }
      },
      [&](std::vector<TokenId>* to) {
        to->clear();
        for (const Json& x : value.as_array(where)) {
          to->push_back(id_of(info, x, where));
        }
      },
  };
  std::visit(set, field.target);
}

std::string closest_field(std::string_view name, std::span<const BoundField> fields) {
  std::vector<std::string> names;
  for (const BoundField& field : fields) {
    names.emplace_back(field.info.name);
  }
  return closest(name, names);
}

const BoundField& find(std::span<const BoundField> fields, std::string_view name,
                       std::string_view where) {
  for (const BoundField& field : fields) {
    if (field.info.name == name) {
      return field;
    }
  }
  fail(ErrorCode::InvalidArgument, "{}: there is no field '{}'; did you mean '{}'?", where,
       name.substr(0, 100), closest_field(name, fields));
}

Json json_of(const FieldTarget& target) {
  const Overload get = {
      [](const bool* x) { return Json(*x); },
      [](const std::size_t* x) { return Json(*x); },
      [](const std::optional<std::size_t>* x) { return *x ? Json(**x) : Json(); },
      [](const double* x) { return Json(*x); },
      [](const std::string* x) { return Json(*x); },
      [](const std::optional<std::string>* x) { return *x ? Json(**x) : Json(); },
      [](const std::vector<std::string>* x) { return Json::array_of(*x); },
      [](const std::vector<TokenId>* x) { return Json::array_of(*x); },
  };
  return std::visit(get, target);
}

}  // namespace

void set_from_text(const BoundField& field, std::string_view text) {
  const FieldInfo& info = field.info;
  const Overload set = {
      [&](bool* to) { *to = true; },
      [&](std::size_t* to) { *to = count_from(info, text); },
      [&](std::optional<std::size_t>* to) { *to = count_from(info, text); },
      [&](double* to) { *to = real_from(info, text); },
      [&](std::string* to) { *to = choice_of(info, not_empty(info, text)); },
      [&](std::optional<std::string>* to) { *to = std::string(text); },
      [&](std::vector<std::string>* to) {
        for (const std::string_view part : split(text, info.separator)) {
          to->push_back(not_empty(info, part));
        }
      },
      [&](std::vector<TokenId>* to) {
        for (const std::string_view part : split(text, ',')) {
          to->push_back(id_from(info, part));
        }
      },
  };
  std::visit(set, field.target);
}

void apply(std::span<const BoundField> fields, const Json& request, std::string_view where) {
  for (const auto& [name, value] : request.as_object(where)) {
    const BoundField& field = find(fields, name, where);
    if (!value.is_null()) {
      set_from_json(field, value, where_of(where, field.info));
    }
  }
}

Json to_json(std::span<const BoundField> fields, std::span<const BoundField> usual) {
  const auto is_usual = [&](std::string_view name) {
    return json_of(find(fields, name, name).target) == json_of(find(usual, name, name).target);
  };
  Json out = Json::object({});
  for (const BoundField& field : fields) {
    if (field.info.left_out_with.empty() || !is_usual(field.info.left_out_with)) {
      out.set(field.info.name, json_of(field.target));
    }
  }
  return out;
}

std::string text_of(const BoundField& field) {
  const Json value = json_of(field.target);
  if (value.is_number()) {
    return value.is_int() ? fmt::format("{}", value.as_int(""))
                          : fmt::format("{}", value.as_double(""));
  }
  return value.is_string() ? value.as_string("") : std::string();
}

}  // namespace cajal
