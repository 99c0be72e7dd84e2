// Thresholds that let as many features fire as was asked for.
#pragma once

#include "dictionary/dictionary.h"
#include "ops/backend.h"

namespace cajal {

/// The threshold with which the rows of x [rows, d_in], run as JumpReLU, have `l0` features each in
/// the mean, of those with a pre-activation above 0: midway between the last that fires and the
/// first that does not. 0 if there are no more than that. Throws as encode(), and InvalidArgument
/// for no rows or an l0 that is not above 0.
float threshold_for(Backend& backend, const Dictionary& dictionary, std::size_t index,
                    ConstMatRef x, double l0, Precision precision = Precision::F32);

}  // namespace cajal
