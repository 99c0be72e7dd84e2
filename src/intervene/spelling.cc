// The short spelling of interventions.
#include <array>
#include <charconv>
#include <cmath>

#include "base/error.h"
#include "base/whole_number.h"
#include "intervene/intervention.h"

namespace cajal {
namespace {

/// Small enough that one more fits, too.
std::optional<std::size_t> index_in(std::string_view text) {
  const std::optional<std::size_t> out = whole_number(text);
  return out && *out < SIZE_MAX ? out : std::nullopt;
}

std::optional<double> number(std::string_view text) {
  double out = 0.0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  const bool all = error == std::errc() && end == text.data() + text.size() && std::isfinite(out);
  return all ? std::optional(out) : std::nullopt;
}

/// A double as few digits as give it back.
std::string digits(double x) {
  return fmt::format("{}", x);
}

/// "3-5" or "3-"; nullopt for anything else.
std::optional<Positions> range(std::string_view text) {
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos) {
    return std::nullopt;
  }
  const auto begin = index_in(text.substr(0, dash));
  const auto last = index_in(text.substr(dash + 1));
  if (!begin || (!last && dash + 1 != text.size()) || (last && *last < *begin)) {
    return std::nullopt;
  }
  return last ? Positions{.begin = *begin, .end = *last + 1} : Positions::from(*begin);
}

[[noreturn]] void not_an_edit(std::string_view text) {
  fail(ErrorCode::InvalidArgument,
       "'{}' is no change: write LAYER:POSITION:FEATURE=VALUE or POINT:POSITION=VALUE, as "
       "3:last:120=*2 or resid_post.3:0-4=off",
       text.substr(0, 100));
}

}  // namespace

Positions parse_positions(std::string_view text) {
  if (text == "*") {
    return Positions::from(0);
  }
  if (text == "last") {
    return {.kind = Positions::Kind::Last, .end = std::nullopt};
  }
  if (text == "generated") {
    return {.kind = Positions::Kind::Generated, .end = std::nullopt};
  }
  if (const auto position = index_in(text)) {
    return Positions::at(*position);
  }
  if (const auto positions = range(text)) {
    return *positions;
  }
  fail(ErrorCode::InvalidArgument,
       "'{}' is no position: give a number, a range as 3-5 or 3-, *, last, or generated",
       text.substr(0, 100));
}

Change parse_change(std::string_view text) {
  const auto after = [text](std::size_t start) { return number(text.substr(start)); };
  std::optional<double> value;
  if (text == "off") {
    return {ChangeKind::Set, 0.0};
  }
  if (text == "from") {
    return {ChangeKind::From, 1.0};
  }
  if (text.starts_with("from*") && (value = after(5))) {
    return {ChangeKind::From, *value};
  }
  if (text.starts_with("*") && (value = after(1))) {
    return {ChangeKind::Scale, *value};
  }
  if (text.starts_with("+") && (value = after(1))) {
    return {ChangeKind::Add, *value};
  }
  if ((value = after(0))) {
    return {ChangeKind::Set, *value};
  }
  fail(ErrorCode::InvalidArgument,
       "'{}' is no value: give a number, *2, +3 (or +-3), off, from, or from*2",
       text.substr(0, 100));
}

std::variant<FeatureEdit, PointEdit> parse_edit(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos) {
    not_an_edit(text);
  }
  const std::string_view place = text.substr(0, equals);
  const std::string_view value = text.substr(equals + 1);
  const std::size_t first = place.find(':');
  if (first == std::string_view::npos || first == 0) {
    not_an_edit(text);
  }
  const std::size_t second = place.find(':', first + 1);
  if (second == std::string_view::npos) {
    return PointEdit{.point = std::string(place.substr(0, first)),
                     .positions = parse_positions(place.substr(first + 1)),
                     .change = parse_change(value)};
  }
  const auto layer = index_in(place.substr(0, first));
  const auto feature = index_in(place.substr(second + 1));
  if (!layer || !feature) {
    not_an_edit(text);
  }
  return FeatureEdit{.layer = *layer,
                     .positions = parse_positions(place.substr(first + 1, second - first - 1)),
                     .feature = *feature,
                     .change = parse_change(value)};
}

Frozen parse_frozen(std::string_view text, std::size_t layers) {
  if (text == "none") {
    return {};
  }
  if (text == "attention") {
    return {.attention = true};
  }
  if (text == "all") {
    return {.attention = true, .layers = std::pair(std::size_t{0}, layers)};
  }
  const auto one = index_in(text);
  const auto some = one ? Positions::at(*one) : range(text);
  check(some && some->end,
        "'{}' cannot be frozen: give none, attention, all, or layers as 3 or 3-5",
        text.substr(0, 100));
  check(*some->end <= layers, "there is no layer {} to freeze, the model has 0 to {}",
        *some->end - 1, layers - 1);
  return {.attention = true, .layers = std::pair(some->begin, *some->end)};
}

std::string spelling_of(const Positions& positions) {
  switch (positions.kind) {
    case Positions::Kind::Last:
      return "last";
    case Positions::Kind::Generated:
      return "generated";
    case Positions::Kind::Range:
      break;
  }
  if (!positions.end) {
    return positions.begin == 0 ? "*" : fmt::format("{}-", positions.begin);
  }
  return *positions.end == positions.begin + 1
             ? fmt::format("{}", positions.begin)
             : fmt::format("{}-{}", positions.begin,
                           static_cast<std::ptrdiff_t>(*positions.end) - 1);
}

std::string spelling_of(const Change& change) {
  switch (change.kind) {
    case ChangeKind::Scale:
      return "*" + digits(change.value);
    case ChangeKind::Add:
      return "+" + digits(change.value);
    case ChangeKind::From:
      return change.value == 1.0 ? "from" : "from*" + digits(change.value);
    case ChangeKind::Set:
      break;
  }
  return change.value == 0.0 ? "off" : digits(change.value);
}

std::string spelling_of(const FeatureEdit& edit) {
  return fmt::format("{}:{}:{}={}", edit.layer, spelling_of(edit.positions), edit.feature,
                     spelling_of(edit.change));
}

std::string spelling_of(const PointEdit& edit) {
  return fmt::format("{}:{}={}{}", edit.point, spelling_of(edit.positions),
                     spelling_of(edit.change), edit.direction.empty() ? "" : " along a direction");
}

}  // namespace cajal
