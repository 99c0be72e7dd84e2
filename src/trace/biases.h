// What biases add at places of a forward pass: constants that rows must account for. Private to
// this folder.
#pragma once

#include "model/config.h"
#include "model/weights.h"

namespace cajal {

/// A bias times `factor`, [1, width] of `dtype`; empty where there is none.
Matrix bias_row(ConstMatRef bias, DType dtype, double factor);

/// What the value projection adds: [1, kv_width], or empty.
Matrix value_biases(const ModelConfig& config, const LayerWeights& weights, DType dtype);

/// The same where values are clipped: [positions, kv_width]. One that clipping holds at the limit
/// is a constant, others have the bias. `clean`: values after clipping.
Matrix clipped_values(const ModelConfig& config, const LayerWeights& weights, ConstMatRef clean,
                      DType dtype);

}  // namespace cajal
