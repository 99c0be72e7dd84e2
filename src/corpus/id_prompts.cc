#include "corpus/id_prompts.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string>

#include <fmt/ranges.h>

#include "base/error.h"
#include "base/split.h"
#include "base/whole_number.h"
#include "corpus/world/dice.h"

namespace cajal {
namespace {

constexpr std::size_t kMostId = 1 << 24;

TokenId id_in(std::string_view text, std::string_view slot) {
  const std::optional<std::size_t> id = whole_number(text);
  check(id && *id < kMostId, "ids: '{}' is no list of token ids such as 0-6 or 14,15",
        slot.substr(0, 100));
  return static_cast<TokenId>(*id);
}

/// "3" or "0-6", appended.
void add_range(std::string_view range, std::string_view slot, std::vector<TokenId>& out) {
  const std::size_t dash = range.find('-');
  const TokenId first = id_in(range.substr(0, dash), slot);
  const TokenId last = dash == std::string_view::npos ? first : id_in(range.substr(dash + 1), slot);
  check(first <= last, "ids: '{}' runs from {} down to {}", slot.substr(0, 100), first, last);
  for (TokenId id = first; id <= last; ++id) {
    out.push_back(id);
  }
}

std::vector<TokenId> slot_of(std::string_view slot) {
  std::vector<TokenId> out;
  for (const std::string_view range : split(slot, ',')) {
    add_range(range, slot, out);
  }
  return out;
}

}  // namespace

IdPrompts::IdPrompts(std::string_view slots) {
  for (std::size_t at = slots.find_first_not_of(' '); at < slots.size();) {
    const std::size_t end = std::min(slots.find(' ', at), slots.size());
    slots_.push_back(slot_of(slots.substr(at, end - at)));
    at = slots.find_first_not_of(' ', end);
  }
  check(!slots_.empty(), "ids: names no slot; give the ids of each, such as \"0-6 7-13 49\"");
}

std::vector<std::vector<TokenId>> IdPrompts::draw(std::uint64_t seed, std::size_t count) const {
  std::vector<std::vector<TokenId>> out;
  std::set<std::vector<TokenId>> seen;
  for (std::size_t i = 0; i < count; ++i) {
    Dice dice(seed, "id prompts", i);
    std::vector<TokenId> prompt;
    prompt.reserve(slots_.size());
    for (const std::vector<TokenId>& slot : slots_) {
      prompt.push_back(dice.pick(slot));
    }
    if (seen.insert(prompt).second) {
      out.push_back(std::move(prompt));
    }
  }
  return out;
}

TokenId IdPrompts::largest() const {
  TokenId out = 0;
  for (const std::vector<TokenId>& slot : slots_) {
    out = std::max(out, *std::max_element(slot.begin(), slot.end()));
  }
  return out;
}

double place_in_split(std::span<const TokenId> ids) {
  constexpr std::uint64_t kFolds = 1000;
  const std::string name = fmt::format("{}", fmt::join(ids, ","));
  return static_cast<double>(fold_of(name, kFolds)) / static_cast<double>(kFolds);
}

}  // namespace cajal
