#include "ops/ref/reference.h"

namespace cajal {

void ReferenceBackend::collect(ConstMatRef block, std::size_t first_column,
                               const SelectionRule& rule, std::span<RowCandidates> rows) {
  const auto h = block.as<const double>();
  for (std::size_t r = 0; r < h.rows; ++r) {
    for (std::size_t c = 0; c < h.cols; ++c) {
      const std::size_t column = first_column + c;
      const double rank = h.at(r, c) * (rule.scales.empty() ? 1.0 : rule.scales[column]);
      const bool high = rule.floors.empty() || h.at(r, c) > rule.floors[column];
      if (high && rank > rows[r].bound) {
        rows[r].list.push_back({rank, h.at(r, c), static_cast<std::uint32_t>(column)});
      }
    }
  }
}

void ReferenceBackend::sparse_product(const SparseProductArgs& args) {
  const auto out = args.out.as<double>();
  std::vector<double> row(args.table.cols);
  for (std::size_t r = 0; r < out.rows; ++r) {
    std::vector<double> sum(args.table.cols, 0.0);
    for (std::size_t i = args.pattern->starts[r]; i < args.pattern->starts[r + 1]; ++i) {
      widen_row(args.table, args.pattern->columns[i], row);
      for (std::size_t c = 0; c < row.size(); ++c) {
        sum[c] += args.values[i] * row[c];
      }
    }
    for (std::size_t c = 0; c < row.size(); ++c) {
      out.at(r, c) = sum[c] + (args.accumulate == Accumulate::Yes ? out.at(r, c) : 0.0);
    }
  }
}

void ReferenceBackend::sparse_dots(const SparseDotsArgs& args) {
  const auto a = args.a.as<const double>();
  std::vector<double> row(args.table.cols);
  for (std::size_t r = 0; r < a.rows; ++r) {
    for (std::size_t i = args.pattern->starts[r]; i < args.pattern->starts[r + 1]; ++i) {
      widen_row(args.table, args.pattern->columns[i], row);
      double sum = 0.0;
      for (std::size_t c = 0; c < row.size(); ++c) {
        sum += a.at(r, c) * row[c];
      }
      args.out[i] = sum;
    }
  }
}

}  // namespace cajal
