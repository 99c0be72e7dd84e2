// Knuth, Morris and Pratt, "Fast pattern matching in strings" (1977).
#include "text/find_text.h"

namespace cajal {
namespace {

// Up to here the work of std::string_view::find is bounded well enough.
constexpr std::size_t kShort = 16;

/// Of each prefix: how long its longest proper beginning is that is its end too. `at(i)` is byte i.
template <typename At>
std::vector<std::size_t> fallbacks(std::size_t size, const At& at) {
  std::vector<std::size_t> out(size, 0);
  std::size_t matched = 0;
  for (std::size_t i = 1; i < size; ++i) {
    while (matched > 0 && at(i) != at(matched)) {
      matched = out[matched - 1];
    }
    matched += at(i) == at(matched) ? 1U : 0U;
    out[i] = matched;
  }
  return out;
}

/// Where the first match ends; npos if there is none.
template <typename At, typename TextAt>
std::size_t end_of_match(const std::vector<std::size_t>& fallback, const At& at, std::size_t size,
                         const TextAt& text_at) {
  std::size_t matched = 0;
  for (std::size_t i = 0; i < size; ++i) {
    while (matched > 0 && text_at(i) != at(matched)) {
      matched = fallback[matched - 1];
    }
    matched += text_at(i) == at(matched) ? 1U : 0U;
    if (matched == fallback.size()) {
      return i + 1;
    }
  }
  return Finder::kNone;
}

}  // namespace

Finder::Finder(std::string_view wanted) : wanted_(wanted) {
  if (wanted.size() > kShort) {
    fallback_ = fallbacks(wanted.size(), [wanted](std::size_t i) { return wanted[i]; });
  }
}

std::size_t Finder::next(std::string_view text, std::size_t from) const {
  if (fallback_.empty()) {
    return text.find(wanted_, from);
  }
  if (from > text.size()) {
    return kNone;
  }
  const std::size_t end = end_of_match(
      fallback_, [this](std::size_t i) { return wanted_[i]; }, text.size() - from,
      [&](std::size_t i) { return text[from + i]; });
  return end == kNone ? kNone : from + end - wanted_.size();
}

BackwardFinder::BackwardFinder(std::string_view wanted) : wanted_(wanted) {
  if (wanted.size() > kShort) {
    fallback_ =
        fallbacks(wanted.size(), [wanted](std::size_t i) { return wanted[wanted.size() - 1 - i]; });
  }
}

std::size_t BackwardFinder::last(std::string_view text) const {
  if (fallback_.empty()) {
    return text.rfind(wanted_);
  }
  const std::size_t end = end_of_match(
      fallback_, [this](std::size_t i) { return wanted_[wanted_.size() - 1 - i]; }, text.size(),
      [&](std::size_t i) { return text[text.size() - 1 - i]; });
  return end == Finder::kNone ? Finder::kNone : text.size() - end;
}

}  // namespace cajal
