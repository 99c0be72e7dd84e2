// The methods of Python's str.
#include <algorithm>
#include <array>

#include "base/utf8.h"
#include "text/find_text.h"
#include "text/jinja/call_arguments.h"
#include "text/jinja/evaluator.h"
#include "text/jinja/format.h"
#include "text/jinja/methods.h"
#include "text/jinja/objects.h"
#include "text/jinja/operations.h"
#include "text/jinja/text_tools.h"
#include "text/jinja/unicode.h"

namespace cajal::jinja {
namespace {

/// `text` with markup kept: methods of marked text give marked text.
Value same_kind(const Value& x, std::string text) {
  return Value::text(std::move(text), x.text_data().markup);
}

Values same_kind(const Value& x, const std::vector<std::string>& parts) {
  Values out;
  for (const std::string& part : parts) {
    out.push_back(same_kind(x, part));
  }
  return out;
}

void need_plain(const Value& x, std::string_view method) {
  if (x.text_data().markup) {
    raise(FailureKind::Unsupported, "the method {} of a text that was marked safe or escaped",
          method);
  }
}

enum class Side : std::uint8_t { Left, Right, Both };

template <Side side>
Value strip(Evaluator& /*evaluator*/, const Value& x, Arguments arguments) {
  const Bound bound("strip", std::move(arguments), {"chars"});
  std::string_view text = x.as_text();
  const bool given = bound.given(0);
  std::u32string set = given ? to_utf32(bound.text(0)) : U"";
  std::ranges::sort(set);
  if (side != Side::Right) {
    text = given ? strip_left(text, set) : strip_left(text);
  }
  if (side != Side::Left) {
    text = given ? strip_right(text, set) : strip_right(text);
  }
  return same_kind(x, std::string(text));
}

template <bool from_right>
Value split(Evaluator& evaluator, const Value& x, Arguments arguments) {
  const Bound bound("split", std::move(arguments), {"sep", "maxsplit"});
  const Int limit = bound.integer(1, -1);
  const std::size_t most =
      limit < 0 || limit > 1'000'000'000 ? std::string::npos : static_cast<std::size_t>(limit);
  const std::string& text = x.as_text();
  evaluator.budget().bytes(text.size() * 2);
  std::vector<std::string> parts;
  if (!bound.given(0)) {
    parts = from_right ? split_spaces_right(text, most) : split_spaces(text, most);
  } else {
    if (bound.text(0).empty()) {
      raise(FailureKind::Value, "empty separator");
    }
    parts = from_right ? split_right(evaluator, text, bound.text(0), most)
                       : split_left(evaluator, text, bound.text(0), most);
  }
  evaluator.budget().bytes(parts.size() * sizeof(Value) * 3);
  return Value::list(same_kind(x, parts));
}

Value split_into_lines(Evaluator& evaluator, const Value& x, Arguments arguments) {
  const Bound bound("splitlines", std::move(arguments), {"keepends"});
  evaluator.budget().bytes(x.as_text().size() * 2);
  const auto lines = lines_of(x.as_text(), bound.truthy(0) ? Ends::Keep : Ends::Drop);
  evaluator.budget().bytes(lines.size() * sizeof(Value) * 3);
  return Value::list(same_kind(x, lines));
}

Value replace(Evaluator& evaluator, const Value& x, Arguments arguments) {
  const Bound bound("replace", std::move(arguments), {"old", "new", "count"}, 2);
  need_plain(x, "replace");
  return Value::text(
      replaced(evaluator, x.as_text(), bound.text(0), bound.text(1), bound.integer(2, -1)));
}

/// The part of the text that [start:end] names, and where it begins in code points; nullopt if
/// start lies behind the end.
struct Window {
  std::string_view text;
  Int begin = 0;
};

std::optional<Window> window(const Value& x, const Bound& bound, std::size_t first) {
  const Int size = static_cast<Int>(x.text_data().points);
  const auto limit = [&](std::size_t i, Int otherwise) {
    const Int at = bound.given(i) ? bound.integer(i, otherwise) : otherwise;
    return at < 0 ? std::max(at + size, Int{0}) : at;
  };
  const Int begin = limit(first, 0);
  const Int end = std::min(limit(first + 1, size), size);
  if (begin > size || end < begin) {
    return std::nullopt;
  }
  const std::string_view rest =
      std::string_view(x.as_text()).substr(offset_of(x.as_text(), static_cast<std::size_t>(begin)));
  return Window{rest.substr(0, offset_of(rest, static_cast<std::size_t>(end - begin))), begin};
}

template <bool at_end>
Value begins_or_ends(Evaluator& evaluator, const Value& x, Arguments arguments) {
  const Bound bound(at_end ? "endswith" : "startswith", std::move(arguments),
                    {"affix", "start", "end"}, 1);
  const auto part = window(x, bound, 1);
  const auto fits = [&](const Value& affix) {
    if (!affix.is_text()) {
      raise(FailureKind::Type, "{} first arg must be str or a tuple of str, not {}",
            at_end ? "endswith" : "startswith", affix.type_name());
    }
    evaluator.budget().steps(1 + affix.as_text().size() / kBytesPerStep);
    return part && (at_end ? part->text.ends_with(affix.as_text())
                           : part->text.starts_with(affix.as_text()));
  };
  const Value& affix = bound.at(0);
  return Value::boolean(affix.is_tuple() ? std::ranges::any_of(affix.as_sequence().items, fits)
                                         : fits(affix));
}

enum class IfAbsent : std::uint8_t { MinusOne, Raise };

template <Side side, IfAbsent if_absent>
Value find(Evaluator& evaluator, const Value& x, Arguments arguments) {
  const Bound bound("find", std::move(arguments), {"sub", "start", "end"}, 1);
  const auto part = window(x, bound, 1);
  const std::string& sub = bound.text(0);
  charge_search(evaluator, x.as_text(), sub);
  const std::size_t at = !part                ? std::string::npos
                         : side == Side::Left ? Finder(sub).next(part->text, 0)
                                              : BackwardFinder(sub).last(part->text);
  if (at != std::string::npos) {
    return Value::integer(part->begin +
                          static_cast<Int>(count_code_points(part->text.substr(0, at))));
  }
  if (if_absent == IfAbsent::Raise) {
    raise(FailureKind::Value, "substring not found");
  }
  return Value::integer(-1);
}

Value count(Evaluator& evaluator, const Value& x, Arguments arguments) {
  const Bound bound("count", std::move(arguments), {"sub", "start", "end"}, 1);
  const auto part = window(x, bound, 1);
  const std::string& sub = bound.text(0);
  charge_search(evaluator, x.as_text(), sub);
  if (!part) {
    return Value::integer(0);
  }
  if (sub.empty()) {
    return Value::size(count_code_points(part->text) + 1);
  }
  Int out = 0;
  const Finder finder(sub);
  for (std::size_t at = finder.next(part->text, 0); at != Finder::kNone;
       at = finder.next(part->text, at + sub.size())) {
    ++out;
  }
  return Value::integer(out);
}

template <std::string (*function)(std::string_view)>
Value mapped(Evaluator& evaluator, const Value& x, Arguments arguments) {
  const Bound bound("method", std::move(arguments), {});
  evaluator.budget().bytes(x.as_text().size());
  return same_kind(x, function(x.as_text()));
}

template <bool (*function)(char32_t)>
Value all_are(Evaluator& /*evaluator*/, const Value& x, Arguments arguments) {
  const Bound bound("method", std::move(arguments), {});
  return Value::boolean(!x.as_text().empty() &&
                        std::ranges::all_of(to_utf32(x.as_text()), function));
}

bool is_letter_or_number(char32_t c) {
  return is_letter(c) || is_decimal(c) || is_digit(c) || is_numeric(c);
}

template <Case wanted>
Value in_case(Evaluator& /*evaluator*/, const Value& x, Arguments arguments) {
  const Bound bound("method", std::move(arguments), {});
  return Value::boolean(all_in_case(x.as_text(), wanted));
}

Value join(Evaluator& evaluator, const Value& x, Arguments arguments) {
  const Bound bound("join", std::move(arguments), {"iterable"}, 1);
  need_plain(x, "join");
  std::string out;
  std::size_t i = 0;
  for (const Value& item : items_of(evaluator, bound.at(0))) {
    if (!item.is_text()) {
      raise(FailureKind::Type, "sequence item {}: expected str instance, {} found", i,
            item.type_name());
    }
    evaluator.budget().bytes(x.as_text().size() + item.as_text().size());
    out += (i++ == 0 ? "" : x.as_text()) + item.as_text();
  }
  return Value::text(std::move(out));
}

Value zero_filled(Evaluator& evaluator, const Value& x, Arguments arguments) {
  const Bound bound("zfill", std::move(arguments), {"width"}, 1);
  std::string out = x.as_text();
  const Int missing = bound.integer(0, 0) - static_cast<Int>(x.text_data().points);
  if (missing > 0) {
    const std::size_t at = out.starts_with('-') || out.starts_with('+') ? 1 : 0;
    const std::size_t extra = checked_size(evaluator, missing);
    out.insert(at, extra, '0');
  }
  return same_kind(x, std::move(out));
}

template <Side side>
Value justified(Evaluator& evaluator, const Value& x, Arguments arguments) {
  const Bound bound("center", std::move(arguments), {"width", "fillchar"}, 1);
  const std::string fill = bound.has(1) ? bound.text(1) : " ";
  if (count_code_points(fill) != 1) {
    raise(FailureKind::Type, "The fill character must be exactly one character long");
  }
  const Int width = bound.integer(0, 0);
  const Int missing = std::max(width - static_cast<Int>(x.text_data().points), Int{0});
  // Python puts the odd space of a centred text on the left if the width is odd too.
  const Int left = side == Side::Left    ? 0
                   : side == Side::Right ? missing
                                         : missing / 2 + (missing & width & 1);
  const std::size_t all =
      checked_size(evaluator, missing * static_cast<Int>(fill.size())) / fill.size();
  std::string out;
  for (std::size_t i = 0; i < all; ++i) {
    if (i == static_cast<std::size_t>(left)) {
      out += x.as_text();
    }
    out += fill;
  }
  if (static_cast<std::size_t>(left) == all) {
    out += x.as_text();
  }
  return same_kind(x, std::move(out));
}

template <bool at_end>
Value without_affix(Evaluator& /*evaluator*/, const Value& x, Arguments arguments) {
  const Bound bound("removeprefix", std::move(arguments), {"affix"}, 1);
  std::string_view text = x.as_text();
  const std::string& affix = bound.text(0);
  if (at_end ? text.ends_with(affix) : text.starts_with(affix)) {
    text = at_end ? text.substr(0, text.size() - affix.size()) : text.substr(affix.size());
  }
  return same_kind(x, std::string(text));
}

template <bool from_right>
Value partition(Evaluator& evaluator, const Value& x, Arguments arguments) {
  const Bound bound("partition", std::move(arguments), {"sep"}, 1);
  const std::string& separator = bound.text(0);
  const std::string& text = x.as_text();
  evaluator.budget().bytes(text.size());
  if (separator.empty()) {
    raise(FailureKind::Value, "empty separator");
  }
  charge_search(evaluator, text, separator);
  const std::size_t at =
      from_right ? BackwardFinder(separator).last(text) : Finder(separator).next(text, 0);
  if (at == std::string::npos) {
    return Value::tuple(same_kind(x, from_right ? std::vector<std::string>{"", "", text}
                                                : std::vector<std::string>{text, "", ""}));
  }
  return Value::tuple(same_kind(x, std::vector<std::string>{text.substr(0, at), separator,
                                                            text.substr(at + separator.size())}));
}

Value format(Evaluator& evaluator, const Value& x, Arguments arguments) {
  return format_braces(evaluator, x, arguments);
}

using Method = Value (*)(Evaluator&, const Value&, Arguments);

constexpr auto kMethods = std::to_array<std::pair<std::string_view, Method>>({
    {"strip", strip<Side::Both>},
    {"lstrip", strip<Side::Left>},
    {"rstrip", strip<Side::Right>},
    {"split", split<false>},
    {"rsplit", split<true>},
    {"splitlines", split_into_lines},
    {"replace", replace},
    {"startswith", begins_or_ends<false>},
    {"endswith", begins_or_ends<true>},
    {"find", find<Side::Left, IfAbsent::MinusOne>},
    {"rfind", find<Side::Right, IfAbsent::MinusOne>},
    {"index", find<Side::Left, IfAbsent::Raise>},
    {"rindex", find<Side::Right, IfAbsent::Raise>},
    {"count", count},
    {"upper", mapped<to_upper>},
    {"lower", mapped<to_lower>},
    {"title", mapped<title_case>},
    {"capitalize", mapped<capitalized>},
    {"swapcase", mapped<swapped_case>},
    {"isalpha", all_are<is_letter>},
    {"isdigit", all_are<is_digit>},
    {"isdecimal", all_are<is_decimal>},
    {"isnumeric", all_are<is_numeric>},
    {"isspace", all_are<is_space>},
    {"isalnum", all_are<is_letter_or_number>},
    {"isupper", in_case<Case::Upper>},
    {"islower", in_case<Case::Lower>},
    {"join", join},
    {"zfill", zero_filled},
    {"center", justified<Side::Both>},
    {"ljust", justified<Side::Left>},
    {"rjust", justified<Side::Right>},
    {"removeprefix", without_affix<false>},
    {"removesuffix", without_affix<true>},
    {"partition", partition<false>},
    {"rpartition", partition<true>},
    {"format", format},
});

}  // namespace

std::optional<Value> text_method(const Value& x, std::string_view name) {
  const auto* it = std::ranges::find(kMethods, name, &std::pair<std::string_view, Method>::first);
  if (it == kMethods.end()) {
    return std::nullopt;
  }
  return make_function(std::string(name), [x, method = it->second](Evaluator& e, Arguments a) {
    e.budget().steps(x.as_text().size() / kBytesPerStep);  // each reads the text at least
    return method(e, x, std::move(a));
  });
}

}  // namespace cajal::jinja
