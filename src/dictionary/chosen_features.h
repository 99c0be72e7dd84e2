// How active chosen features are, without encoding all of them.
#pragma once

#include <vector>

#include "dictionary/dictionary.h"
#include "ops/backend.h"

namespace cajal {

/// A feature at a row of a layer's input.
struct RowFeature {
  std::size_t row = 0;
  std::size_t feature = 0;
};

/// What encode() gives for them, in the order asked for, 0 where a feature does not fire. One dot
/// product each where a feature looks at itself alone (ReLU, JumpReLU), else the rows are encoded.
/// x: [rows, d_in] of the backend's activation type. Throws as encode() does, and Unsupported for
/// BatchTopK, which needs all rows of a text.
std::vector<double> chosen_activations(Backend& backend, const Dictionary& dictionary,
                                       std::size_t index, ConstMatRef x,
                                       std::span<const RowFeature> chosen,
                                       Precision precision = Precision::F32);

}  // namespace cajal
