#include "text/code_point_set.h"

#include <algorithm>
#include <utility>

namespace cajal {

CodePointSet::CodePointSet(std::vector<CodePointRange> ranges) : ranges_(std::move(ranges)) {
  tidy();
}

void CodePointSet::add(char32_t first, char32_t last) {
  ranges_.push_back({first, last});
  tidy();
}

void CodePointSet::add(const CodePointSet& other) {
  ranges_.insert(ranges_.end(), other.ranges_.begin(), other.ranges_.end());
  tidy();
}

CodePointSet CodePointSet::complement() const {
  CodePointSet out;
  char32_t next = 0;
  for (const CodePointRange& range : ranges_) {
    if (range.first > next) {
      out.ranges_.push_back({next, range.first - 1});
    }
    next = range.last + 1;
  }
  if (next <= 0x10FFFF) {
    out.ranges_.push_back({next, 0x10FFFF});
  }
  return out;
}

CodePointSet CodePointSet::intersection(const CodePointSet& other) const {
  CodePointSet either = complement();
  either.add(other.complement());
  return either.complement();
}

bool CodePointSet::contains(char32_t c) const {
  const auto next =
      std::upper_bound(ranges_.begin(), ranges_.end(), c,
                       [](char32_t x, const CodePointRange& range) { return x < range.first; });
  return next != ranges_.begin() && c <= (next - 1)->last;
}

void CodePointSet::tidy() {
  std::sort(ranges_.begin(), ranges_.end(),
            [](const CodePointRange& a, const CodePointRange& b) { return a.first < b.first; });
  std::vector<CodePointRange> out;
  for (const CodePointRange& range : ranges_) {
    if (!out.empty() && range.first <= out.back().last + 1) {
      out.back().last = std::max(out.back().last, range.last);
    } else {
      out.push_back(range);
    }
  }
  ranges_ = std::move(out);
}

}  // namespace cajal
