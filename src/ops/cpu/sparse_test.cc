#include <algorithm>
#include <cmath>
#include <numeric>

#include <gtest/gtest.h>

#include "ops/cpu/cpu_test.h"
#include "ops/cpu/isa.h"

namespace cajal {
namespace {

using CpuSparse = CpuTest;

struct Entry {
  std::size_t row = 0;
  std::size_t column = 0;
  double value = 0.0;
  double rank = 0.0;
};

double scale_of(const SelectionRule& rule, std::size_t c) {
  return rule.scales.empty() ? 1.0 : rule.scales[c];
}

/// Every entry that may be chosen, best first.
std::vector<Entry> sorted_entries(ConstMatRef h, const SelectionRule& rule) {
  std::vector<Entry> out;
  for (std::size_t r = 0; r < h.rows; ++r) {
    for (std::size_t c = 0; c < h.cols; ++c) {
      const double value = element(h, r, c);
      const double rank = value * scale_of(rule, c);
      if (rank > rule.floor && (rule.floors.empty() || value > rule.floors[c])) {
        out.push_back({r, c, value, rank});
      }
    }
  }
  std::ranges::stable_sort(out, std::greater<>(), &Entry::rank);
  return out;
}

/// What a rule chooses, by the plainest way.
SparseEntries chosen(ConstMatRef h, const SelectionRule& rule) {
  std::vector<std::size_t> taken(h.rows * std::max<std::size_t>(1, rule.count), 0);
  std::vector<std::vector<Entry>> rows(h.rows);
  std::size_t all = 0;
  for (const Entry& entry : sorted_entries(h, rule)) {
    std::vector<Entry>& row = rows[entry.row];
    bool fits = true;
    if (rule.kind == SelectionKind::TopK) {
      fits = row.size() < rule.count;
    } else if (rule.kind == SelectionKind::BatchTopK) {
      fits = all < rule.count;
    } else if (rule.kind == SelectionKind::GroupMax) {
      const std::size_t group = entry.column / (h.cols / rule.count);
      fits = taken[entry.row * rule.count + group]++ == 0;
    }
    if (fits) {
      row.push_back(entry);
      ++all;
    }
  }
  SparseEntries out;
  out.pattern.cols = h.cols;
  for (std::vector<Entry>& row : rows) {
    std::ranges::sort(row, {}, &Entry::column);
    for (const Entry& entry : row) {
      out.pattern.columns.push_back(static_cast<std::uint32_t>(entry.column));
      out.values.push_back(entry.value);
    }
    out.pattern.starts.push_back(out.pattern.columns.size());
  }
  return out;
}

void expect_equal(const SparseEntries& got, const SparseEntries& want) {
  EXPECT_EQ(got.pattern.cols, want.pattern.cols);
  EXPECT_EQ(got.pattern.starts, want.pattern.starts);
  EXPECT_EQ(got.pattern.columns, want.pattern.columns);
  EXPECT_EQ(got.values, want.values);
}

/// Few different numbers, so that many ranks are equal, and equal in f32 and f64.
Sample with_ties(std::size_t rows, std::size_t cols, DType dtype) {
  std::vector<double> values(rows * cols);
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = std::round(8.0 * random_normal(3, 1, i)) / 8.0;
  }
  return sample(rows, cols, dtype, values);
}

std::vector<double> powers_of_two(std::size_t count) {
  std::vector<double> out(count);
  for (std::size_t i = 0; i < count; ++i) {
    out[i] = std::ldexp(1.0, static_cast<int>(i % 3) - 1);
  }
  return out;
}

constexpr double kAny = -std::numeric_limits<double>::infinity();

std::vector<SelectionRule> rules(std::size_t rows, std::size_t cols,
                                 std::span<const double> scales) {
  return {
      {.kind = SelectionKind::TopK, .count = 3},
      {.kind = SelectionKind::TopK, .count = 3, .scales = scales},
      {.kind = SelectionKind::TopK, .count = cols, .floor = kAny},
      {.kind = SelectionKind::TopK, .count = 0},
      {.kind = SelectionKind::BatchTopK, .count = 2 * rows},
      {.kind = SelectionKind::BatchTopK, .count = 2 * rows, .scales = scales},
      {.kind = SelectionKind::BatchTopK, .count = rows * cols},
      {.kind = SelectionKind::GroupMax, .count = cols % 3 == 0 ? cols / 3 : 1},
      {.kind = SelectionKind::Above, .floor = kAny, .floors = scales},
      {.kind = SelectionKind::Above},
  };
}

TEST_P(CpuSparse, SelectionsEqualAFullSort) {
  for (const std::size_t cols : {1U, 7U, 8U, 9U, 15U, 16U, 17U, 31U, 33U, 1539U}) {
    const std::size_t rows = 9;
    const std::vector<double> scales = powers_of_two(cols);
    const Sample exact = with_ties(rows, cols, DType::F64);
    const Sample h = with_ties(rows, cols, DType::F32);
    for (const SelectionRule& rule : rules(rows, cols, scales)) {
      SCOPED_TRACE(fmt::format("{} columns, kind {}", cols, static_cast<int>(rule.kind)));
      const SparseEntries want = chosen(exact.ref(), rule);
      expect_equal(ops::select(*cpu_, h.ref(), rule), want);
      expect_equal(ops::select(*ref_, exact.ref(), rule), want);
    }
  }
}

TEST_P(CpuSparse, BlocksOfColumnsChangeNothing) {
  const std::size_t cols = 1300;
  const std::vector<double> scales = powers_of_two(cols);
  const Sample h = with_ties(7, cols, DType::F32);
  for (const SelectionRule& rule : rules(7, cols, scales)) {
    Selection selection(*cpu_, rule, 7, cols);
    for (std::size_t c = 0; c < cols; c += 100) {
      selection.add(h.ref().col_range(c, 100), c);
    }
    expect_equal(selection.finish(), chosen(h.ref(), rule));
  }
}

TEST_P(CpuSparse, HintsChangeNothing) {
  const Sample h = with_ties(7, 600, DType::F32);
  const SelectionRule rule = {.kind = SelectionKind::BatchTopK, .count = 20};
  for (const double hint : {-1.0, 0.5, 1.0, 2.0, 100.0}) {
    Selection selection(*cpu_, rule, 7, 600, hint);
    selection.add(h.ref(), 0);
    if (!selection.is_complete()) {
      selection.begin_again();
      selection.add(h.ref(), 0);
    }
    ASSERT_TRUE(selection.is_complete());
    expect_equal(selection.finish(), chosen(h.ref(), rule));
  }
}

TEST_P(CpuSparse, NeverChoosesNotANumber) {
  const double nan = std::nan("");
  const Sample h = sample(1, 4, DType::F32, {nan, 1, nan, -1});
  for (const double floor : {kAny, 0.0}) {
    const auto entries =
        ops::select(*cpu_, h.ref(), {.kind = SelectionKind::TopK, .count = 4, .floor = floor});
    EXPECT_EQ(entries.pattern.stored(), floor == 0.0 ? 1U : 2U);
  }
}

/// Rows with 0, 1, 2, … entries, columns at random.
SparseEntries some_entries(std::size_t rows, std::size_t cols) {
  SparseEntries out;
  out.pattern.cols = cols;
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t c = 0; c < cols; ++c) {
      if (random_uniform(5, r, c) * static_cast<double>(cols) < static_cast<double>(r)) {
        out.pattern.columns.push_back(static_cast<std::uint32_t>(c));
        out.values.push_back(static_cast<double>(
            static_cast<float>(random_normal(6, r, c))));  // as exact on both backends
      }
    }
    out.pattern.starts.push_back(out.pattern.columns.size());
  }
  return out;
}

/// The same product of absolute values: what rounding is relative to.
std::vector<double> sizes(Backend& ref, const SparseEntries& entries, const Sample& table,
                          const Sample& before) {
  std::vector<double> values = entries.values;
  std::ranges::transform(values, values.begin(), [](double x) { return std::abs(x); });
  const auto absolute = [](const Sample& m) {
    std::vector<double> all = elements(m.ref());
    std::ranges::transform(all, all.begin(), [](double x) { return std::abs(x); });
    return sample(m.rows(), m.cols(), DType::F64, all);
  };
  const Sample positive = absolute(table);
  Sample out = absolute(before);
  ops::sparse_product(ref, {.pattern = &entries.pattern,
                            .values = values,
                            .table = positive.ref(),
                            .out = out.ref(),
                            .accumulate = Accumulate::Yes});
  return elements(out.ref());
}

TEST_P(CpuSparse, ProductsEqualTheReference) {
  for (const std::size_t cols : kOddSizes) {
    for (const DType dtype : {DType::F32, DType::BF16}) {
      const SparseEntries entries = some_entries(12, 20);
      const Sample table = normal_sample(20, cols, dtype, 1);
      for (const Accumulate accumulate : {Accumulate::No, Accumulate::Yes}) {
        Sample got = normal_sample(12, cols, DType::F32, 2);
        const Sample before = copy_as(got.ref(), DType::F64);
        Sample want = copy_as(got.ref(), DType::F64);
        for (auto [backend, out] : {std::pair(cpu_.get(), &got), std::pair(ref_.get(), &want)}) {
          ops::sparse_product(*backend, {.pattern = &entries.pattern,
                                         .values = entries.values,
                                         .table = table.ref(),
                                         .out = out->ref(),
                                         .accumulate = accumulate});
        }
        std::vector<double> bound = sizes(*ref_, entries, table, before);
        for (double& x : bound) {
          x *= 20 * kEpsilon;
        }
        expect_close(got.ref(), want.ref(), bound, "product");
      }
    }
  }
}

TEST_P(CpuSparse, DotsEqualTheReference) {
  for (const std::size_t cols : kOddSizes) {
    for (const DType dtype : {DType::F32, DType::BF16}) {
      const SparseEntries entries = some_entries(12, 20);
      const Sample table = normal_sample(20, cols, dtype, 1);
      const Sample a = normal_sample(12, cols, DType::F32, 2);
      const Sample exact = copy_as(a.ref(), DType::F64);
      std::vector<double> got(entries.values.size());
      std::vector<double> want(entries.values.size());
      ops::sparse_dots(
          *cpu_, {.pattern = &entries.pattern, .a = a.ref(), .table = table.ref(), .out = got});
      ops::sparse_dots(
          *ref_,
          {.pattern = &entries.pattern, .a = exact.ref(), .table = table.ref(), .out = want});
      for (std::size_t i = 0; i < got.size(); ++i) {
        // |a| |row| < 6^2 each for numbers that occur in a sample.
        EXPECT_NEAR(got[i], want[i], static_cast<double>(cols) * 36 * kEpsilon);
      }
    }
  }
}

TEST_P(CpuSparse, TransposedProductIsTheGradientOfTheTable) {
  const SparseEntries entries = some_entries(12, 20);
  const TransposedPattern t = transposed(entries.pattern);
  const Sample dy = normal_sample(12, 9, DType::F64, 2);
  Sample got(20, 9, DType::F64);
  ops::sparse_product(*ref_, {.pattern = &t.pattern,
                              .values = picked(entries.values, t.places),
                              .table = dy.ref(),
                              .out = got.ref()});
  Sample dense = sample(12, 20, DType::F64, std::vector<double>(12 * 20, 0.0));
  for (std::size_t r = 0; r < 12; ++r) {
    for (std::size_t i = entries.pattern.starts[r]; i < entries.pattern.starts[r + 1]; ++i) {
      dense.ref().as<double>().at(r, entries.pattern.columns[i]) = entries.values[i];
    }
  }
  Sample want(20, 9, DType::F64);
  ops::gemm(*ref_,
            {.a = dense.ref(), .b = dy.ref(), .out = want.ref(), .transpose_a = Transpose::Yes});
  expect_close(got.ref(), want.ref(), 1e-14, 1e-14, "gradient");
}

TEST_P(CpuSparse, RowsScaleInPlaceByADiagonal) {
  const SparsePattern pattern = diagonal(3);
  Sample m = sample(3, 2, DType::F32, {1, 2, 3, 4, 5, 6});
  const std::vector<double> factors = {2, 0, -1};
  ops::sparse_product(*cpu_,
                      {.pattern = &pattern, .values = factors, .table = m.ref(), .out = m.ref()});
  EXPECT_EQ(elements(m.ref()), (std::vector<double>{2, 4, 0, 0, -5, -6}));
}

TEST_P(CpuSparse, AnyNumberOfThreadsGivesTheSameBits) {
  const Sample table = normal_sample(300, 130, DType::F32, 1);
  const Sample h = normal_sample(400, 300, DType::F32, 2);
  const SelectionRule rule = {.kind = SelectionKind::BatchTopK, .count = 4001};
  expect_same_for_threads(
      [&] {
        const SparseEntries entries = ops::select(*cpu_, h.ref(), rule);
        Sample out(400, 130, DType::F32);
        ops::sparse_product(*cpu_, {.pattern = &entries.pattern,
                                    .values = entries.values,
                                    .table = table.ref(),
                                    .out = out.ref()});
        std::vector<double> dots(entries.values.size());
        ops::sparse_dots(
            *cpu_,
            {.pattern = &entries.pattern, .a = out.ref(), .table = table.ref(), .out = dots});
        auto bytes = bytes_of(out.ref());
        const auto more = std::as_bytes(std::span(dots));
        bytes.insert(bytes.end(), more.begin(), more.end());
        return bytes;
      },
      "select, product, dots");
}

INSTANTIATE_TEST_SUITE_P(Isa, CpuSparse, ::testing::ValuesIn(cpu_isas()),
                         [](const auto& level) { return std::string(level.param); });

}  // namespace
}  // namespace cajal
