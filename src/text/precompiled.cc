#include "text/precompiled.h"

#include <cstdint>
#include <optional>
#include <utf8proc.h>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/utf8.h"

namespace cajal {
namespace {

/// 0 takes the place of a character, 1 is inserted, -n takes the place of 1 + n.
struct Change {
  char32_t value = 0;
  int change = 0;
};

void add_replacement(std::vector<Change>& out, std::string_view from, std::string_view to) {
  const std::u32string characters = to_utf32(to);
  const std::size_t old_count = count_code_points(from);
  for (std::size_t i = 0; i < characters.size(); ++i) {
    out.push_back({characters[i], i < old_count ? 0 : 1});
  }
  if (characters.size() < old_count && !out.empty()) {
    out.back().change -= static_cast<int>(old_count - characters.size());
  }
}

std::size_t grapheme_end(std::string_view text, std::size_t begin) {
  utf8proc_int32_t state = 0;
  CodePoint last = decode_utf8(text.substr(begin));
  std::size_t end = begin + last.length;
  while (end < text.size()) {
    const CodePoint next = decode_utf8(text.substr(end));
    if (utf8proc_grapheme_break_stateful(static_cast<utf8proc_int32_t>(last.value),
                                         static_cast<utf8proc_int32_t>(next.value), &state) != 0) {
      break;
    }
    last = next;
    end += next.length;
  }
  return end;
}

void map_grapheme(std::string_view grapheme, const Charsmap& map, std::vector<Change>& out) {
  if (grapheme.size() < 6) {
    if (const auto match = map.shortest(grapheme)) {
      add_replacement(out, grapheme, match->replacement);
      return;
    }
  }
  for (std::size_t i = 0; i < grapheme.size();) {
    const CodePoint c = decode_utf8(grapheme.substr(i));
    const std::string_view part = grapheme.substr(i, c.length);
    if (const auto match = map.shortest(part)) {
      add_replacement(out, part, match->replacement);
    } else {
      out.push_back({c.value, 0});
    }
    i += c.length;
  }
}

std::optional<std::uint32_t> base64_digit(char c) noexcept {
  if (c >= 'A' && c <= 'Z') {
    return static_cast<std::uint32_t>(c - 'A');
  }
  if (c >= 'a' && c <= 'z') {
    return static_cast<std::uint32_t>(c - 'a' + 26);
  }
  if (c >= '0' && c <= '9') {
    return static_cast<std::uint32_t>(c - '0' + 52);
  }
  return c == '+' ? std::optional(62U) : c == '/' ? std::optional(63U) : std::nullopt;
}

}  // namespace

void apply_precompiled(AlignedText& text, const Charsmap& map) {
  std::vector<Change> changes;
  changes.reserve(text.text.size());
  const std::string_view view = text.text;
  for (std::size_t i = 0; i < view.size();) {
    const std::size_t end = grapheme_end(view, i);
    map_grapheme(view.substr(i, end - i), map, changes);
    if (text.growth != nullptr) {  // each change writes at least a byte
      text.growth->check_size(changes.size(), "Precompiled");
    }
    i = end;
  }
  AlignedBuilder builder(text, "Precompiled");
  for (const Change& change : changes) {
    if (change.change > 0) {
      builder.insert(change.value);
    } else {
      builder.replace(change.value, static_cast<std::size_t>(-change.change));
    }
  }
  text = std::move(builder).finish();
}

void prepend(AlignedText& text, std::string_view prefix, std::string_view component) {
  if (text.text.empty() || prefix.empty()) {
    return;
  }
  AlignedBuilder builder(text, component);
  const std::size_t first = decode_utf8(text.text).length;
  builder.skip_until(first);
  builder.insert(prefix);
  builder.insert(std::string_view(text.text).substr(0, first));
  builder.keep_until(text.text.size());
  text = std::move(builder).finish();
}

std::string decode_base64(std::string_view encoded, std::string_view where) {
  while (encoded.ends_with('=')) {
    encoded.remove_suffix(1);
  }
  std::string out;
  out.reserve(encoded.size() / 4 * 3 + 3);
  std::uint32_t bits = 0;
  unsigned held = 0;
  for (std::size_t i = 0; i < encoded.size(); ++i) {
    const auto digit = base64_digit(encoded[i]);
    if (!digit) {
      fail(ErrorCode::CorruptData, "{}: character {} is not base64", where, i);
    }
    bits = bits << 6U | *digit;
    held += 6;
    if (held >= 8) {
      held -= 8;
      out += static_cast<char>(bits >> held & 0xFFU);
    }
  }
  return out;
}

}  // namespace cajal
