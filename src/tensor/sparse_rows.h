// Rows of which few columns are not zero: features that fired, token by token.
//
// CSR: the columns and values of row r lie at starts[r] .. starts[r + 1]. Columns ascend within a
// row, so that sums over them have one order.
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace cajal {

struct SparseRows {
  struct Row {
    std::span<const std::uint32_t> columns;
    std::span<const float> values;
    std::size_t size() const noexcept { return columns.size(); }
  };

  std::size_t cols = 0;
  std::vector<std::size_t> starts = {0};  // [rows + 1]
  std::vector<std::uint32_t> columns;     // [stored], each < cols
  std::vector<float> values;              // [stored]

  std::size_t rows() const noexcept { return starts.size() - 1; }
  /// How many entries are stored, in all rows.
  std::size_t stored() const noexcept { return columns.size(); }
  /// Valid until the rows change.
  Row row(std::size_t r) const {
    assert(r < rows());
    const std::size_t count = starts[r + 1] - starts[r];
    return {std::span(columns).subspan(starts[r], count),
            std::span(values).subspan(starts[r], count)};
  }
  /// Adds an entry to the row that end_row() has not ended yet.
  void append(std::uint32_t column, float value) {
    columns.push_back(column);
    values.push_back(value);
  }
  void end_row() { starts.push_back(columns.size()); }
};

}  // namespace cajal
