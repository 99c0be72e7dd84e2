// Which few entries of a matrix are not zero: features that fired, token by token.
//
// Values lie apart, one for each entry in this order, because a training step has many for one
// pattern: activations, their gradients, gradients of pre-activations.
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace cajal {

struct SparsePattern {
  std::size_t cols = 0;
  std::vector<std::size_t> starts = {0};  // [rows + 1]; row r is starts[r] .. starts[r + 1]
  std::vector<std::uint32_t> columns;     // [stored], each < cols, ascending in a row

  std::size_t rows() const noexcept { return starts.size() - 1; }
  std::size_t stored() const noexcept { return columns.size(); }
  std::size_t count(std::size_t r) const noexcept { return starts[r + 1] - starts[r]; }
  std::span<const std::uint32_t> row(std::size_t r) const {
    assert(r < rows());
    return {columns.data() + starts[r], count(r)};
  }
};

/// A pattern and one value for each of its entries.
struct SparseEntries {
  SparsePattern pattern;
  std::vector<double> values;  // [stored]
};

/// The same entries column by column.
struct TransposedPattern {
  SparsePattern pattern;            // [cols, rows]
  std::vector<std::size_t> places;  // [stored] where each of its entries was in the original
};

TransposedPattern transposed(const SparsePattern& pattern);

/// Entry (i, i) for every i < size.
SparsePattern diagonal(std::size_t size);

/// The entries in columns [begin, end), which keep their numbers.
SparseEntries in_columns(const SparseEntries& entries, std::size_t begin, std::size_t end);

/// values[places[i]] for every i.
std::vector<double> picked(std::span<const double> values, std::span<const std::size_t> places);

}  // namespace cajal
