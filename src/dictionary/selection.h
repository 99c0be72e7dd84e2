// Finds what fires in pre-activations that arrive in blocks of features: ops/sparse.h with the
// rules of a dictionary's activation function. Private to this folder.
#pragma once

#include <memory>
#include <span>

#include "dictionary/activation.h"
#include "ops/backend.h"
#include "tensor/sparse_rows.h"

namespace cajal {

/// Receives the pre-activations of some tokens: blocks of tokens in order, of each block of tokens
/// the blocks of features in ascending order.
class FeatureSelection {
 public:
  virtual ~FeatureSelection() = default;
  /// `h` [tokens, features of the block] of the backend's activation type, all of them finite: of
  /// tokens first_row .., features first_feature ... May change them.
  virtual void take(MatRef h, std::size_t first_row, std::size_t first_feature) = 0;
  /// Call once, after the last block.
  virtual SparseRows finish() = 0;
};

/// Whether tokens choose together, and so must come in one block of tokens.
bool chooses_among_tokens(const ActivationFunction& function) noexcept;

/// Gated adds `b_enc` itself, since magnitudes have another bias: its `h` come without. All
/// references must outlive the result.
std::unique_ptr<FeatureSelection> make_selection(Backend& backend,
                                                 const ActivationFunction& function,
                                                 std::span<const float> b_enc, std::size_t rows,
                                                 std::size_t features);

}  // namespace cajal
