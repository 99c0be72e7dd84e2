#include "activations/firings.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/error.h"

namespace cajal {
namespace {

constexpr std::size_t kDigitBits = 8;
constexpr std::size_t kDigits = std::size_t{1} << kDigitBits;

/// Orders by feature and keeps the order of equal ones: digit by digit, the last one first.
void sort_by_feature(std::vector<Firing>& firings, std::size_t features) {
  std::vector<Firing> sorted(firings.size());
  for (std::size_t shift = 0; shift == 0 || (features - 1) >> shift != 0; shift += kDigitBits) {
    const auto digit = [&](const Firing& f) { return (f.feature >> shift) % kDigits; };
    std::array<std::size_t, kDigits + 1> starts{};
    for (const Firing& f : firings) {
      ++starts[digit(f) + 1];
    }
    for (std::size_t d = 1; d < kDigits; ++d) {
      starts[d] += starts[d - 1];
    }
    for (const Firing& f : firings) {
      sorted[starts[digit(f)]++] = f;
    }
    firings.swap(sorted);
  }
}

}  // namespace

std::vector<Firing> firings_of(const TokenSequence& sequence, std::span<const std::size_t> rows,
                               std::span<const SparseRows> codes,
                               std::span<const std::size_t> first) {
  check(codes.size() + 1 == first.size(), "features of {} layers for {}", codes.size(),
        first.size() - 1);
  std::vector<Firing> out;
  const auto begin = std::lower_bound(rows.begin(), rows.end(), sequence.begin);
  const auto end = std::lower_bound(begin, rows.end(), sequence.end);
  for (std::size_t site = 0; site < codes.size(); ++site) {
    for (auto r = begin; r != end; ++r) {
      const SparseRows::Row fired = codes[site].row(static_cast<std::size_t>(r - rows.begin()));
      for (std::size_t i = 0; i < fired.size(); ++i) {
        out.push_back({static_cast<std::uint32_t>(first[site] + fired.columns[i]),
                       static_cast<std::uint32_t>(*r - sequence.begin), std::abs(fired.values[i])});
      }
    }
  }
  // A site's tokens ascend, so those of each feature do.
  sort_by_feature(out, std::max<std::size_t>(first.back(), 1));
  return out;
}

}  // namespace cajal
