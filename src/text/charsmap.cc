#include "text/charsmap.h"

#include "base/error.h"
#include "base/utf8.h"

namespace cajal {
namespace {

// Layout of a unit of Darts-clone.
bool has_leaf(std::uint32_t unit) noexcept {
  return (unit >> 8U & 1U) != 0;
}
std::uint32_t value_of(std::uint32_t unit) noexcept {
  return unit & 0x7FFFFFFFU;
}
std::uint32_t label_of(std::uint32_t unit) noexcept {
  return unit & 0x800000FFU;
}
std::uint32_t offset_of(std::uint32_t unit) noexcept {
  return (unit >> 10U) << ((unit & (1U << 9U)) >> 6U);
}

std::uint32_t little_endian(std::string_view bytes) noexcept {
  std::uint32_t out = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    out |= std::uint32_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
  }
  return out;
}

}  // namespace

Charsmap::Charsmap(std::string_view blob, std::string_view where) {
  if (blob.empty()) {
    return;
  }
  const std::uint32_t size = blob.size() >= 4 ? little_endian(blob) : 0;
  if (blob.size() < 4 || size % 4 != 0 || size > blob.size() - 4) {
    fail(ErrorCode::CorruptData, "{}: a normalisation table of {} bytes names a trie of {}", where,
         blob.size(), size);
  }
  units_.reserve(size / 4);
  for (std::size_t i = 4; i < 4 + std::size_t{size}; i += 4) {
    units_.push_back(little_endian(blob.substr(i)));
  }
  replacements_ = blob.substr(4 + size);
  if (!is_valid_utf8(replacements_)) {
    fail(ErrorCode::CorruptData, "{}: the replacements of the normalisation table are not UTF-8",
         where);
  }
}

template <typename Found>
void Charsmap::prefixes(std::string_view text, const Found& found) const {
  if (units_.empty()) {
    return;
  }
  std::size_t node = offset_of(units_[0]);
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    node ^= byte;
    if (node >= units_.size() || label_of(units_[node]) != byte) {
      return;
    }
    const std::uint32_t unit = units_[node];
    node ^= offset_of(unit);
    if (has_leaf(unit)) {
      if (node >= units_.size() || !found(i + 1, value_of(units_[node]))) {
        return;
      }
    }
  }
}

std::optional<Charsmap::Match> Charsmap::shortest(std::string_view text) const {
  std::optional<Match> best;
  prefixes(text, [&](std::size_t length, std::uint32_t at) {
    best = Match{length, replacement(at)};
    return false;
  });
  return best;
}

std::optional<Charsmap::Match> Charsmap::longest(std::string_view text) const {
  std::optional<Match> best;
  prefixes(text, [&](std::size_t length, std::uint32_t at) {
    best = Match{length, replacement(at)};
    return true;
  });
  return best;
}

std::string_view Charsmap::replacement(std::uint32_t at) const noexcept {
  if (at >= replacements_.size()) {
    return {};
  }
  const std::string_view rest = std::string_view(replacements_).substr(at);
  return rest.substr(0, rest.find('\0'));
}

}  // namespace cajal
