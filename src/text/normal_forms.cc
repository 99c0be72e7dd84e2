#include "text/normal_forms.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <utf8proc.h>
#include <utility>
#include <vector>

#include "base/utf8.h"
#include "text/code_point_set.h"

namespace cajal {
namespace {

/// Marks newer than Unicode 9: their combining class counts as 0.
constexpr std::array<CodePointRange, 36> kNewMarks = {
    {{0x7FD, 0x7FD},     {0x898, 0x89F},     {0x8CA, 0x8D3},     {0x9FE, 0x9FE},
     {0xC3C, 0xC3C},     {0xD3B, 0xD3C},     {0xEBA, 0xEBA},     {0x1715, 0x1715},
     {0x1ABF, 0x1ACE},   {0x1DF6, 0x1DFA},   {0xA82C, 0xA82C},   {0x10D24, 0x10D27},
     {0x10EAB, 0x10EAC}, {0x10EFD, 0x10EFF}, {0x10F46, 0x10F50}, {0x10F82, 0x10F85},
     {0x11070, 0x11070}, {0x1133B, 0x1133B}, {0x1145E, 0x1145E}, {0x11839, 0x1183A},
     {0x1193D, 0x1193E}, {0x11943, 0x11943}, {0x119E0, 0x119E0}, {0x11A34, 0x11A34},
     {0x11A47, 0x11A47}, {0x11A99, 0x11A99}, {0x11D42, 0x11D42}, {0x11D44, 0x11D45},
     {0x11D97, 0x11D97}, {0x11F41, 0x11F42}, {0x16FF0, 0x16FF1}, {0x1E08F, 0x1E08F},
     {0x1E130, 0x1E136}, {0x1E2AE, 0x1E2AE}, {0x1E2EC, 0x1E2EF}, {0x1E4EC, 0x1E4EF}}};
/// Characters with a decomposition that are newer than Unicode 9: they stay as they are.
constexpr std::array<CodePointRange, 10> kNewDecomposing = {{{0x32FF, 0x32FF},
                                                             {0xA7F2, 0xA7F4},
                                                             {0xAB69, 0xAB69},
                                                             {0x10781, 0x10785},
                                                             {0x10787, 0x107B0},
                                                             {0x107B2, 0x107BA},
                                                             {0x11938, 0x11938},
                                                             {0x1E030, 0x1E06D},
                                                             {0x1F16C, 0x1F16C},
                                                             {0x1FBF0, 0x1FBF9}}};

template <std::size_t kCount>
bool among(const std::array<CodePointRange, kCount>& ranges, char32_t c) noexcept {
  return std::any_of(ranges.begin(), ranges.end(), [c](const CodePointRange& range) {
    return c >= range.first && c <= range.last;
  });
}

int combining_class(char32_t c) noexcept {
  if (c < 0x300) {
    return 0;
  }
  const int known = utf8proc_get_property(static_cast<utf8proc_int32_t>(c))->combining_class;
  return known != 0 && among(kNewMarks, c) ? 0 : known;
}

/// A character under way, and how many old characters stand behind it: 0 takes the place of one,
/// 1 is inserted, -n takes the place of 1 + n.
struct Item {
  char32_t value = 0;
  int change = 0;
  int order = 0;  // combining class
};

std::vector<Item> decompose(std::string_view text, bool compatible) {
  std::vector<Item> items;
  items.reserve(text.size());
  const auto options = static_cast<utf8proc_option_t>(
      compatible ? UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT : UTF8PROC_DECOMPOSE);
  std::array<utf8proc_int32_t, 32> parts{};  // 18 is the longest in Unicode
  for (std::size_t i = 0; i < text.size();) {
    const CodePoint c = decode_utf8(text.substr(i));
    i += c.length;
    if (c.value < 0xA0 || among(kNewDecomposing, c.value)) {
      items.push_back({c.value, 0, 0});
      continue;
    }
    int boundary = 0;
    const auto count =
        utf8proc_decompose_char(static_cast<utf8proc_int32_t>(c.value), parts.data(),
                                static_cast<utf8proc_ssize_t>(parts.size()), options, &boundary);
    for (std::size_t k = 0; k < static_cast<std::size_t>(count); ++k) {
      const auto part = static_cast<char32_t>(parts[k]);
      items.push_back({part, k == 0 ? 0 : 1, combining_class(part)});
    }
  }
  return items;
}

void reorder_marks(std::vector<Item>& items) {
  for (auto i = items.begin(); i != items.end();) {
    const auto mark = std::find_if(i, items.end(), [](const Item& x) { return x.order != 0; });
    const auto end = std::find_if(mark, items.end(), [](const Item& x) { return x.order == 0; });
    std::stable_sort(mark, end, [](const Item& a, const Item& b) { return a.order < b.order; });
    i = end;
  }
}

std::optional<char32_t> composed(char32_t first, char32_t second) {
  std::array<utf8proc_int32_t, 3> pair = {static_cast<utf8proc_int32_t>(first),
                                          static_cast<utf8proc_int32_t>(second), 0};
  const auto options = static_cast<utf8proc_option_t>(UTF8PROC_COMPOSE | UTF8PROC_STABLE);
  if (second < 0x300 || utf8proc_normalize_utf32(pair.data(), 2, options) != 1) {
    return std::nullopt;
  }
  const auto result = static_cast<char32_t>(pair[0]);
  return among(kNewDecomposing, result) ? std::nullopt : std::optional(result);
}

/// Unicode 15.0, definition D117: a character joins the last starter unless one between them has
/// no lower class.
std::vector<Item> compose(const std::vector<Item>& items) {
  std::vector<Item> out;
  out.reserve(items.size());
  std::optional<std::size_t> starter;  // its place in `out`
  int last_order = 0;                  // of what stands behind the starter; 0: nothing
  for (const Item& item : items) {
    const bool adjacent = starter && *starter + 1 == out.size();
    const bool open = starter && (adjacent || last_order < item.order);
    if (open) {
      Item& base = out[*starter];
      if (const auto joined = composed(base.value, item.value)) {
        base.value = *joined;
        base.change += item.change - 1;
        continue;
      }
    }
    if (item.order == 0) {
      starter = out.size();
    }
    last_order = item.order;
    out.push_back(item);
  }
  return out;
}

bool nothing_to_do(std::string_view text, NormalForm form) {
  const char32_t stable = form == NormalForm::Nfc ? 0x300 : form == NormalForm::Nfd ? 0xC0 : 0xA0;
  for (std::size_t i = 0; i < text.size();) {
    if (static_cast<unsigned char>(text[i]) < 0x80) {
      ++i;
      continue;
    }
    const CodePoint c = decode_utf8(text.substr(i));
    if (c.value >= stable) {
      return false;
    }
    i += c.length;
  }
  return true;
}

}  // namespace

void normalize(AlignedText& text, NormalForm form) {
  if (nothing_to_do(text.text, form)) {
    return;
  }
  const bool compatible = form == NormalForm::Nfkc || form == NormalForm::Nfkd;
  std::vector<Item> items = decompose(text.text, compatible);
  reorder_marks(items);
  if (form == NormalForm::Nfc || form == NormalForm::Nfkc) {
    items = compose(items);
  }
  AlignedBuilder builder(text, "Unicode normal form");
  for (const Item& item : items) {
    if (item.change > 0) {
      builder.insert(item.value);
    } else {
      builder.replace(item.value, static_cast<std::size_t>(-item.change));
    }
  }
  text = std::move(builder).finish();
}

}  // namespace cajal
