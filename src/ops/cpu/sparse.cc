// Sparse products and selections: rows in parallel, each by one thread.
#include <algorithm>
#include <cmath>
#include <limits>

#include "ops/cpu/cpu_backend.h"
#include "ops/cpu/pieces.h"
#include "ops/cpu/sparse_kernels.h"

namespace cajal {
namespace {

constexpr std::size_t kScanned = 512;  // columns between looks at the bound

/// Rows that one chunk takes, so that it has some kChunk elements to go through.
std::size_t grain_of(const SparsePattern& pattern, std::size_t cols) {
  const std::size_t elements = std::max<std::size_t>(1, pattern.stored() * cols);
  const std::size_t rows = std::max<std::size_t>(1, pattern.rows());
  return std::clamp<std::size_t>(rows * cpu::kChunk / elements, 1, rows);
}

/// Calls body(table) with the rows of `table` in their own type.
template <typename Body>
void with_table(ConstMatRef table, const Body& body) {
  if (table.dtype == DType::F32) {
    body(cpu::Table<float>{reinterpret_cast<const float*>(table.data), table.stride, table.cols});
    return;
  }
  if (table.dtype == DType::BF16) {
    body(cpu::Table<BFloat16>{reinterpret_cast<const BFloat16*>(table.data), table.stride,
                              table.cols});
    return;
  }
  fail(ErrorCode::Unsupported, "a sparse product with a table of {} on cpu; f32 and bf16 can be",
       name_of(table.dtype));
}

std::vector<float> narrow(std::span<const double> values, std::size_t begin, std::size_t count) {
  if (values.empty()) {
    return {};
  }
  const auto part = values.subspan(begin, count);
  return {part.begin(), part.end()};
}

/// The parts of a rule that apply to a block, as floats.
struct Narrowed {
  std::vector<float> scales;
  std::vector<float> floors;

  const float* scales_at(std::size_t c) const { return scales.empty() ? nullptr : &scales[c]; }
  const float* floors_at(std::size_t c) const { return floors.empty() ? nullptr : &floors[c]; }
};

/// `bound` as a float from below, so that nothing above it is lost.
float at_most(double bound) {
  const auto nearest = static_cast<float>(bound);
  return static_cast<double>(nearest) <= bound
             ? nearest
             : std::nextafter(nearest, -std::numeric_limits<float>::infinity());
}

void collect_row(const float* h, std::size_t count, std::size_t first_column,
                 const SelectionRule& rule, const Narrowed& narrowed, RowCandidates& row) {
  std::uint32_t found[kScanned + cpu::kScanSlack];
  for (std::size_t c = 0; c < count; c += kScanned) {
    const std::size_t size = std::min(kScanned, count - c);
    const float* scales = narrowed.scales_at(c);
    const std::size_t hits =
        cpu::scan_above(h + c, scales, narrowed.floors_at(c), at_most(row.bound), size, found);
    for (std::size_t i = 0; i < hits; ++i) {
      const float value = h[c + found[i]];
      const float rank = scales == nullptr ? value : value * scales[found[i]];
      if (static_cast<double>(rank) > row.bound) {
        row.list.push_back({static_cast<double>(rank), static_cast<double>(value),
                            static_cast<std::uint32_t>(first_column + c + found[i])});
      }
    }
    if (rule.kind == SelectionKind::TopK && row.list.size() > 2 * rule.count) {
      row.bound = std::max(row.bound, keep_best(row.list, rule.count));
    }
  }
}

}  // namespace

void CpuBackend::collect(ConstMatRef block, std::size_t first_column, const SelectionRule& rule,
                         std::span<RowCandidates> rows) {
  const Narrowed narrowed = {narrow(rule.scales, first_column, block.cols),
                             narrow(rule.floors, first_column, block.cols)};
  const std::size_t grain =
      std::max<std::size_t>(1, cpu::kChunk / std::max<std::size_t>(1, block.cols));
  parallel_for(block.rows, grain, [&](std::size_t begin, std::size_t end) {
    for (std::size_t r = begin; r < end; ++r) {
      const auto* h = reinterpret_cast<const float*>(cpu::place(block, r, 0));
      collect_row(h, block.cols, first_column, rule, narrowed, rows[r]);
    }
  });
}

void CpuBackend::sparse_product(const SparseProductArgs& args) {
  const SparsePattern& pattern = *args.pattern;
  const bool accumulate = args.accumulate == Accumulate::Yes;
  with_table(args.table, [&](const auto& table) {
    parallel_for(
        pattern.rows(), grain_of(pattern, table.count), [&](std::size_t begin, std::size_t end) {
          for (std::size_t r = begin; r < end; ++r) {
            cpu::add_rows(table, pattern.row(r), args.values.data() + pattern.starts[r], accumulate,
                          reinterpret_cast<float*>(cpu::place(args.out, r, 0)));
          }
        });
  });
}

void CpuBackend::sparse_dots(const SparseDotsArgs& args) {
  const SparsePattern& pattern = *args.pattern;
  with_table(args.table, [&](const auto& table) {
    parallel_for(pattern.rows(), grain_of(pattern, table.count),
                 [&](std::size_t begin, std::size_t end) {
                   for (std::size_t r = begin; r < end; ++r) {
                     cpu::dot_rows(table, pattern.row(r),
                                   reinterpret_cast<const float*>(cpu::place(args.a, r, 0)),
                                   args.out.data() + pattern.starts[r]);
                   }
                 });
  });
}

}  // namespace cajal
