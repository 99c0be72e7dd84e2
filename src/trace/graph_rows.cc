#include "trace/graph_rows.h"

#include <numeric>

#include "base/error.h"

namespace cajal {
namespace {

void check_values(ConstMatRef values, std::size_t rows, std::size_t cols) {
  check(values.rows == rows && values.cols >= cols,
        "the rows of a graph are [{}, {}]; expected [{}, {}]", values.rows, values.cols, rows,
        cols);
  check(values.dtype == DType::F32 || values.dtype == DType::F64,
        "the rows of a graph hold {}; expected F32 or F64", name_of(values.dtype));
}

}  // namespace

std::vector<std::uint32_t> row_nodes(const NodeCounts& counts) {
  std::vector<std::uint32_t> out(counts.features + counts.targets);
  const auto features = out.begin() + static_cast<std::ptrdiff_t>(counts.features);
  std::iota(out.begin(), features, 0U);
  std::iota(features, out.end(), static_cast<std::uint32_t>(counts.sources()));
  return out;
}

void check_rows(const GraphRows& graph) {
  check_values(graph.values, graph.counts.features + graph.counts.targets, graph.counts.sources());
}

void check_rows(const KnownRows& rows) {
  check_values(rows.values, rows.nodes.size(), rows.counts.sources());
  for (const std::uint32_t node : rows.nodes) {
    check(node < rows.counts.features ||
              (node >= rows.counts.sources() && node < rows.counts.nodes()),
          "node {} of a graph of {} nodes has no row", node, rows.counts.nodes());
  }
}

}  // namespace cajal
