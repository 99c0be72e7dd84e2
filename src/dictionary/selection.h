// Finds what fires in pre-activations that arrive in blocks of features. Private to this folder.
#pragma once

#include <memory>
#include <span>

#include "dictionary/activation.h"
#include "tensor/matrix.h"
#include "tensor/sparse_rows.h"

namespace cajal {

/// Receives the pre-activations of some tokens, block by block of features in ascending order.
class FeatureSelection {
 public:
  virtual ~FeatureSelection() = default;
  /// `h` [rows, features of the block] of float or double, all of them finite: of tokens first_row
  /// .., features first_feature ... Rows are taken in parallel.
  virtual void take(ConstMatRef h, std::size_t first_row, std::size_t first_feature) = 0;
  /// Call once, after the last block.
  virtual SparseRows finish() = 0;
};

/// Gated adds `b_enc` itself, since magnitudes have another bias: its `h` come without. `function`
/// and `b_enc` must outlive the result.
std::unique_ptr<FeatureSelection> make_selection(const ActivationFunction& function,
                                                 std::span<const float> b_enc, std::size_t rows,
                                                 std::size_t features);

}  // namespace cajal
