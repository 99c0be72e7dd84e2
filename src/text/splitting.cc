#include "text/splitting.h"

#include <algorithm>

namespace cajal {
namespace {

bool joins_last(SplitBehavior behavior, bool match, bool last_match) noexcept {
  switch (behavior) {
    case SplitBehavior::Contiguous:
      return match == last_match;
    case SplitBehavior::MergedWithPrevious:
    case SplitBehavior::MergedWithNext:
      return match && !last_match;
    case SplitBehavior::Removed:
    case SplitBehavior::Isolated:
      return false;
  }
  return false;
}

}  // namespace

std::vector<Stretch> with_gaps(const std::vector<ByteRange>& matches, std::size_t size) {
  std::vector<Stretch> out;
  out.reserve(matches.size() + 1);
  std::size_t end = 0;
  for (const ByteRange match : matches) {
    if (match.begin > end) {
      out.push_back({{end, match.begin}, false});
    }
    out.push_back({match, true});
    end = match.end;
  }
  if (end < size) {
    out.push_back({{end, size}, false});
  }
  return out;
}

void join_stretches(const std::vector<Stretch>& stretches, SplitBehavior behavior,
                    std::size_t offset, std::vector<ByteRange>& pieces) {
  const bool backwards = behavior == SplitBehavior::MergedWithNext;
  std::vector<ByteRange> joined;
  bool last_match = false;
  for (std::size_t k = 0; k < stretches.size(); ++k) {
    const Stretch& stretch = stretches[backwards ? stretches.size() - 1 - k : k];
    if (stretch.match && behavior == SplitBehavior::Removed) {
      continue;
    }
    if (!joined.empty() && joins_last(behavior, stretch.match, last_match)) {
      joined.back().begin = std::min(joined.back().begin, stretch.range.begin);
      joined.back().end = std::max(joined.back().end, stretch.range.end);
    } else {
      joined.push_back(stretch.range);
    }
    last_match = stretch.match;
  }
  if (backwards) {
    std::reverse(joined.begin(), joined.end());
  }
  for (const ByteRange range : joined) {
    if (range.size() > 0) {
      pieces.push_back({offset + range.begin, offset + range.end});
    }
  }
}

}  // namespace cajal
