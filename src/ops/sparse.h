// What sparse dictionaries need beside the product of their encoder: choosing the entries that
// count, and products that touch those alone.
//
// Everything a training step does after its encoder is one of three things: find entries of a dense
// matrix (`Selection`), sum rows of a table (`sparse_product`: decoding, and over the transposed
// pattern the gradients of decoder and encoder), or multiply rows with rows (`sparse_dots`: the
// gradient of what fired). The same calls on a diagonal pattern give norms and projections of rows.
//
// Values of entries are doubles in host memory on every backend. Each row of an output is summed by
// one thread in the order of its entries, so any number of threads gives the same bits.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "tensor/matrix.h"
#include "tensor/sparse_pattern.h"

namespace cajal {

class Backend;

enum class SelectionKind : std::uint8_t {
  TopK,       // the `count` largest of each row
  BatchTopK,  // the `count` largest of all rows together
  GroupMax,   // the largest of each of `count` groups of neighbouring columns
  Above,      // all
};

/// Which entries of a matrix h count, by rank = h * scale of the column. Only those whose rank is
/// above `floor` and whose h is above the floor of the column do. Of equal ranks the earlier row,
/// then the lower column is taken.
struct SelectionRule {
  SelectionKind kind = SelectionKind::TopK;
  std::size_t count = 0;
  double floor = 0.0;                   // minus infinity: any
  std::span<const double> scales = {};  // [cols]; empty: all 1
  std::span<const double> floors = {};  // [cols]; empty: none
};

struct Candidate {
  double rank = 0.0;
  double value = 0.0;
  std::uint32_t column = 0;
};

/// What may yet be chosen from a row.
struct RowCandidates {
  std::vector<Candidate> list;                              // columns in no order
  double bound = -std::numeric_limits<double>::infinity();  // others must rank higher to matter
};

enum class Accumulate : bool { No, Yes };

struct SparseProductArgs {
  const SparsePattern* pattern = nullptr;  // [rows, n]
  std::span<const double> values;          // [stored]
  ConstMatRef table;                       // [n, cols], F32 or BF16 on `cpu`, any float on `ref`
  MatRef out;                              // [rows, cols], the backend's activation type
  Accumulate accumulate = Accumulate::No;
};

struct SparseDotsArgs {
  const SparsePattern* pattern = nullptr;  // [rows, n]
  ConstMatRef a;                           // [rows, cols], the backend's activation type
  ConstMatRef table;                       // [n, cols], as in a product
  std::span<double> out;                   // [stored]
};

class SparseOps {
 public:
  virtual ~SparseOps() = default;
  /// Adds to `rows` what may be chosen from `block`, whose columns are first_column on.
  virtual void collect(ConstMatRef block, std::size_t first_column, const SelectionRule& rule,
                       std::span<RowCandidates> rows) = 0;
  virtual void sparse_product(const SparseProductArgs& args) = 0;
  virtual void sparse_dots(const SparseDotsArgs& args) = 0;
};

/// Chooses entries of a matrix that comes in blocks of columns, so that it need never exist as a
/// whole. Rows are not sorted: few entries of a row survive the comparison with a bound that rises.
class Selection {
 public:
  /// Of [rows, cols]. What `rule` views must outlive the object. `hint`: a rank that BatchTopK's
  /// lowest is likely above, such as half of the last one's; it changes no result, and a good one
  /// saves time and memory.
  Selection(Backend& backend, const SelectionRule& rule, std::size_t rows, std::size_t cols,
            double hint = -std::numeric_limits<double>::infinity());

  /// Columns first_column on, [rows, any], of the backend's activation type. Blocks come in the
  /// order of columns.
  void add(ConstMatRef block, std::size_t first_column);
  /// False: the hint was too high, and the blocks must be added again, which begins anew.
  bool is_complete() const;
  void begin_again();
  /// The entries with their h. NaN is never chosen.
  SparseEntries finish();

 private:
  Backend& backend_;
  SelectionRule rule_;
  std::size_t cols_;
  double hint_;
  std::vector<RowCandidates> rows_;
};

/// The same, with shapes, types and devices checked. All throw InvalidArgument.
namespace ops {

/// All of Selection at once.
SparseEntries select(Backend& backend, ConstMatRef in, const SelectionRule& rule);
/// out[r] = sum over entries (r, c) of value * table[c], or += it. Without accumulating, rows
/// without entries become 0; with it they are not touched. `table` may be `out` if the pattern is
/// diagonal.
void sparse_product(Backend& backend, const SparseProductArgs& args);
/// out of entry (r, c) = <a[r], table[c]>.
void sparse_dots(Backend& backend, const SparseDotsArgs& args);

}  // namespace ops

/// Keeps the `count` best candidates in `list`, in no order; the rank of the last one of them if
/// there were more, else minus infinity.
double keep_best(std::vector<Candidate>& list, std::size_t count);

}  // namespace cajal
