#include "explain/versus/alignment.h"

#include <algorithm>

namespace cajal {
namespace {

/// [first + 1, second + 1] the least number of changes that make one beginning the other.
class Distances {
 public:
  Distances(std::span<const TokenId> first, std::span<const TokenId> second)
      : columns_(second.size() + 1), values_((first.size() + 1) * columns_) {
    for (std::uint32_t i = 0; i <= first.size(); ++i) {
      for (std::uint32_t j = 0; j < columns_; ++j) {
        std::uint32_t& to = values_[i * columns_ + j];
        if (i == 0 || j == 0) {
          to = i + j;
          continue;
        }
        const std::uint32_t changed = first[i - 1] == second[j - 1] ? 0 : 1;
        to = std::min({at(i - 1, j - 1) + changed, at(i - 1, j) + 1, at(i, j - 1) + 1});
      }
    }
  }
  std::uint32_t at(std::size_t i, std::size_t j) const { return values_[i * columns_ + j]; }

 private:
  std::size_t columns_;
  std::vector<std::uint32_t> values_;
};

std::vector<SharedRole> by_distance(std::span<const TokenId> first,
                                    std::span<const TokenId> second) {
  const Distances distances(first, second);
  std::vector<SharedRole> out;
  auto i = static_cast<std::uint32_t>(first.size());
  auto j = static_cast<std::uint32_t>(second.size());
  while (i > 0 || j > 0) {
    const bool both = i > 0 && j > 0;
    const std::uint32_t changed = both && first[i - 1] == second[j - 1] ? 0 : 1;
    if (both && distances.at(i, j) == distances.at(i - 1, j - 1) + changed) {
      out.push_back({--i, --j});
    } else if (i > 0 && distances.at(i, j) == distances.at(i - 1, j) + 1) {
      out.push_back({.first = --i});
    } else {
      out.push_back({.second = --j});
    }
  }
  std::reverse(out.begin(), out.end());
  return out;
}

}  // namespace

std::vector<SharedRole> aligned(std::span<const TokenId> first, std::span<const TokenId> second) {
  if (first.size() != second.size()) {
    return by_distance(first, second);
  }
  std::vector<SharedRole> out;
  out.reserve(first.size());
  for (std::uint32_t p = 0; p < first.size(); ++p) {
    out.push_back({p, p});
  }
  return out;
}

std::vector<std::uint32_t> roles_of(std::span<const SharedRole> roles, std::size_t prompt) {
  std::vector<std::uint32_t> out;
  for (std::uint32_t r = 0; r < roles.size(); ++r) {
    if (roles[r].in(prompt)) {
      out.push_back(r);
    }
  }
  return out;
}

}  // namespace cajal
