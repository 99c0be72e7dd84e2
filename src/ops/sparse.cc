#include "ops/sparse.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/parallel.h"
#include "ops/backend.h"
#include "ops/checks.h"

namespace cajal {
namespace {

constexpr double kLowest = -std::numeric_limits<double>::infinity();
constexpr std::size_t kRowGrain = 64;

bool is_better(const Candidate& a, const Candidate& b) {
  return a.rank != b.rank ? a.rank > b.rank : a.column < b.column;
}

void sort_by_column(std::vector<Candidate>& list) {
  std::ranges::sort(list, {}, &Candidate::column);
}

/// The best of each group of `width` columns; the list becomes sorted.
void keep_best_of_groups(std::vector<Candidate>& list, std::size_t width) {
  sort_by_column(list);
  std::size_t kept = 0;
  for (const Candidate& candidate : list) {
    const bool same = kept != 0 && list[kept - 1].column / width == candidate.column / width;
    if (!same) {
      list[kept++] = candidate;
    } else if (candidate.rank > list[kept - 1].rank) {
      list[kept - 1] = candidate;
    }
  }
  list.resize(kept);
}

void keep_best_of_groups(std::span<RowCandidates> rows, std::size_t width) {
  parallel_for(rows.size(), kRowGrain, [&](std::size_t begin, std::size_t end) {
    for (std::size_t r = begin; r < end; ++r) {
      keep_best_of_groups(rows[r].list, width);
    }
  });
}

/// The rank below which nothing is among the `count` best of all rows, and how many of those that
/// have just this rank are.
struct Cut {
  double rank = kLowest;
  std::size_t ties = 0;
};

Cut cut_of(std::span<const RowCandidates> rows, std::size_t count) {
  std::vector<double> ranks;
  for (const RowCandidates& row : rows) {
    for (const Candidate& candidate : row.list) {
      ranks.push_back(candidate.rank);
    }
  }
  if (ranks.size() <= count) {
    return {};
  }
  if (count == 0) {
    return {.rank = std::numeric_limits<double>::infinity()};
  }
  const auto last = ranks.begin() + static_cast<std::ptrdiff_t>(count - 1);
  std::nth_element(ranks.begin(), last, ranks.end(), std::greater<>());
  const double rank = *last;
  const auto above = std::count_if(ranks.begin(), last, [&](double x) { return x > rank; });
  return {.rank = rank, .ties = count - static_cast<std::size_t>(above)};
}

/// Drops what is below the cut, and of those at it all but the first `ties`.
void cut_off(Cut cut, std::span<RowCandidates> rows) {
  for (RowCandidates& row : rows) {
    sort_by_column(row.list);
    std::erase_if(row.list, [&](const Candidate& candidate) {
      if (candidate.rank != cut.rank) {
        return candidate.rank < cut.rank;
      }
      return cut.ties == 0 || cut.ties-- == 0;
    });
    // What comes later may be as good, and in an earlier row.
    row.bound = std::max(row.bound, std::nextafter(cut.rank, kLowest));
  }
}

std::size_t candidates_in(std::span<const RowCandidates> rows) {
  return std::accumulate(
      rows.begin(), rows.end(), std::size_t{0},
      [](std::size_t sum, const RowCandidates& row) { return sum + row.list.size(); });
}

SparseEntries entries_of(std::span<const RowCandidates> rows, std::size_t cols) {
  SparseEntries out;
  out.pattern.cols = cols;
  for (const RowCandidates& row : rows) {
    out.pattern.starts.push_back(out.pattern.starts.back() + row.list.size());
  }
  out.pattern.columns.resize(out.pattern.starts.back());
  out.values.resize(out.pattern.starts.back());
  parallel_for(rows.size(), kRowGrain, [&](std::size_t begin, std::size_t end) {
    for (std::size_t r = begin; r < end; ++r) {
      std::size_t to = out.pattern.starts[r];
      for (const Candidate& candidate : rows[r].list) {
        out.pattern.columns[to] = candidate.column;
        out.values[to++] = candidate.value;
      }
    }
  });
  return out;
}

}  // namespace

double keep_best(std::vector<Candidate>& list, std::size_t count) {
  if (list.size() <= count) {
    return kLowest;
  }
  if (count == 0) {
    list.clear();
    return std::numeric_limits<double>::infinity();
  }
  const auto last = list.begin() + static_cast<std::ptrdiff_t>(count - 1);
  std::nth_element(list.begin(), last, list.end(), is_better);
  const double rank = last->rank;
  list.resize(count);
  return rank;
}

Selection::Selection(Backend& backend, const SelectionRule& rule, std::size_t rows,
                     std::size_t cols, double hint)
    : backend_(backend), rule_(rule), cols_(cols), hint_(hint), rows_(rows) {
  check(rule.scales.empty() || rule.scales.size() == cols,
        "a selection from {} columns with {} scales", cols, rule.scales.size());
  check(rule.floors.empty() || rule.floors.size() == cols,
        "a selection from {} columns with {} floors", cols, rule.floors.size());
  check(rule.kind != SelectionKind::GroupMax || (rule.count != 0 && cols % rule.count == 0),
        "{} columns are not {} groups of equal size", cols, rule.count);
  if (rule.kind != SelectionKind::BatchTopK) {
    hint_ = kLowest;
  }
  for (RowCandidates& row : rows_) {
    row.bound = std::max(rule.floor, hint_);
  }
}

void Selection::add(ConstMatRef block, std::size_t first_column) {
  ops::check_activations(backend_, block, "select: block");
  check(block.rows == rows_.size() && first_column + block.cols <= cols_,
        "select: a block of {} rows and columns {} to {} for [{}, {}]", block.rows, first_column,
        first_column + block.cols, rows_.size(), cols_);
  backend_.collect(block, first_column, rule_, rows_);
  if (rule_.kind == SelectionKind::GroupMax) {  // or half of all entries would gather
    keep_best_of_groups(rows_, cols_ / rule_.count);
  }
  if (rule_.kind == SelectionKind::BatchTopK && candidates_in(rows_) > 4 * rule_.count) {
    Cut cut = cut_of(rows_, rule_.count);
    cut.ties = std::numeric_limits<std::size_t>::max();
    cut_off(cut, rows_);
  }
}

bool Selection::is_complete() const {
  return hint_ <= rule_.floor || candidates_in(rows_) >= rule_.count;
}

void Selection::begin_again() {
  hint_ = kLowest;
  for (RowCandidates& row : rows_) {
    row = {.list = {}, .bound = rule_.floor};
  }
}

SparseEntries Selection::finish() {
  if (rule_.kind == SelectionKind::BatchTopK) {
    cut_off(cut_of(rows_, rule_.count), rows_);
  }
  parallel_for(rows_.size(), kRowGrain, [&](std::size_t begin, std::size_t end) {
    for (std::size_t r = begin; r < end; ++r) {
      if (rule_.kind == SelectionKind::TopK) {
        keep_best(rows_[r].list, rule_.count);
      }
      sort_by_column(rows_[r].list);
    }
  });
  return entries_of(rows_, cols_);
}

namespace ops {
namespace {

/// A table of [n, cols] that entries of [rows, n] pick rows of.
void check_pattern(const Backend& backend, const SparsePattern* pattern, ConstMatRef table,
                   std::string_view what) {
  check(pattern != nullptr, "{}: no pattern", what);
  check_floats(backend, table, what);
  check(pattern->cols == table.rows, "{}: a pattern of {} columns for a table of {} rows", what,
        pattern->cols, table.rows);
}

}  // namespace

SparseEntries select(Backend& backend, ConstMatRef in, const SelectionRule& rule) {
  Selection selection(backend, rule, in.rows, in.cols);
  selection.add(in, 0);
  return selection.finish();
}

void sparse_product(Backend& backend, const SparseProductArgs& args) {
  check_pattern(backend, args.pattern, args.table, "sparse_product: table");
  check_activations(backend, args.out, "sparse_product: out");
  check_shape(args.out, args.pattern->rows(), args.table.cols, "sparse_product: out");
  check(args.values.size() == args.pattern->stored(), "sparse_product: {} values for {} entries",
        args.values.size(), args.pattern->stored());
  backend.sparse_product(args);
}

void sparse_dots(Backend& backend, const SparseDotsArgs& args) {
  check_pattern(backend, args.pattern, args.table, "sparse_dots: table");
  check_activations(backend, args.a, "sparse_dots: a");
  check_shape(args.a, args.pattern->rows(), args.table.cols, "sparse_dots: a");
  check(args.out.size() == args.pattern->stored(), "sparse_dots: {} results for {} entries",
        args.out.size(), args.pattern->stored());
  backend.sparse_dots(args);
}

}  // namespace ops
}  // namespace cajal
