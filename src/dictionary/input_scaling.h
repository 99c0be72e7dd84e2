// What an InputScaling does to a row, and how it is undone. Private to this folder.
#pragma once

#include "dictionary/dictionary.h"

namespace cajal {

/// x is scaled to (x - shift) * factor; `back` and `shift` undo that: z * back + shift.
struct RowScaling {
  double factor = 1.0;
  double shift = 0.0;
  double back = 1.0;
};

/// Of one row [d_in] of `layer`'s input, `input_scale` included. T is float or double.
template <typename T>
RowScaling scaling_of(const DictionaryLayer& layer, std::span<const T> x);

}  // namespace cajal
