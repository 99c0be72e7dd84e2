#include "tensor/sparse_pattern.h"

#include <algorithm>
#include <numeric>

namespace cajal {

TransposedPattern transposed(const SparsePattern& pattern) {
  TransposedPattern out;
  out.pattern.cols = pattern.rows();
  out.pattern.starts.assign(pattern.cols + 1, 0);
  for (const std::uint32_t column : pattern.columns) {
    ++out.pattern.starts[column + 1];
  }
  std::partial_sum(out.pattern.starts.begin(), out.pattern.starts.end(),
                   out.pattern.starts.begin());
  std::vector<std::size_t> next(out.pattern.starts.begin(), out.pattern.starts.end() - 1);
  out.pattern.columns.resize(pattern.stored());
  out.places.resize(pattern.stored());
  for (std::size_t r = 0; r < pattern.rows(); ++r) {
    for (std::size_t i = pattern.starts[r]; i < pattern.starts[r + 1]; ++i) {
      const std::size_t to = next[pattern.columns[i]]++;
      out.pattern.columns[to] = static_cast<std::uint32_t>(r);
      out.places[to] = i;
    }
  }
  return out;
}

SparsePattern diagonal(std::size_t size) {
  SparsePattern out{.cols = size, .starts = std::vector<std::size_t>(size + 1), .columns = {}};
  std::iota(out.starts.begin(), out.starts.end(), std::size_t{0});
  out.columns.resize(size);
  std::iota(out.columns.begin(), out.columns.end(), std::uint32_t{0});
  return out;
}

SparseEntries in_columns(const SparseEntries& entries, std::size_t begin, std::size_t end) {
  const SparsePattern& from = entries.pattern;
  SparseEntries out;
  out.pattern.cols = from.cols;
  for (std::size_t r = 0; r < from.rows(); ++r) {
    for (std::size_t i = from.starts[r]; i < from.starts[r + 1]; ++i) {
      if (from.columns[i] >= begin && from.columns[i] < end) {
        out.pattern.columns.push_back(from.columns[i]);
        out.values.push_back(entries.values[i]);
      }
    }
    out.pattern.starts.push_back(out.pattern.columns.size());
  }
  return out;
}

std::vector<double> picked(std::span<const double> values, std::span<const std::size_t> places) {
  std::vector<double> out(places.size());
  std::ranges::transform(places, out.begin(), [&](std::size_t place) { return values[place]; });
  return out;
}

}  // namespace cajal
