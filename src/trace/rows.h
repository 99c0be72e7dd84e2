// Rows of an attribution graph: what each target's value is due to.
//
// A batch of targets walks back together through the frozen model (model/backward with everything
// frozen): a target's direction enters as a gradient at its point, and wherever the gradient passes
// the output of an MLP it is multiplied with what features, error and constants wrote there. No
// gradient lies above a target's layer or after its position, so batches hold targets that are near
// in both.
#pragma once

#include <functional>
#include <span>
#include <stop_token>

#include "trace/local_replacement.h"

namespace cajal {

/// What some targets see of the heads of a layer while they walk back together.
struct HeadGradients {
  std::size_t layer = 0;
  std::span<const std::uint32_t> targets;  // which of them, by their place in the list
  ConstMatRef gradients;  // [targets * positions, heads * d_head] of the first positions, at z:
                          // those of the first target, then those of the next, ...
};

struct RowOptions {
  std::size_t batch = 256;  // targets that walk back at once, at most
  /// Called for each batch and each layer that a gradient comes to, from the top down.
  std::function<void(const HeadGradients&)> at_heads = nullptr;
  std::stop_token cancel = {};
};

/// Columns of the output of rows(): sources, then RowConstants.
std::size_t row_columns(const LocalReplacement& replacement) noexcept;

/// Row i of `out` [targets, row_columns] (of the backend's activation type) becomes that of
/// targets[i]: its elements and its bias add up to its value. The same bits in whatever company a
/// target comes, up to the rounding of differently shaped products. Batches are smaller for longer
/// prompts. Throws Cancelled between batches.
void compute_rows(Backend& backend, LocalReplacement& replacement,
                  std::span<const RowTarget> targets, MatRef out, const RowOptions& options = {});

/// |value - bias - sum of the row| / max(1e-6, sum of |row| + |bias|): how far a row is from adding
/// up.
double row_residual(const RowTarget& target, ConstMatRef rows, std::size_t row);

}  // namespace cajal
