// Puts a file's tensors where the forward pass looks for them.
#pragma once

#include "model/families/family.h"
#include "model/load/tensor_source.h"

namespace cajal {

/// Finds every weight the configuration calls for, by the family's names. Biases are read off the
/// file. Throws CorruptData naming the tensor, its shape and the one the configuration asks for;
/// NotFound if it is missing; tensors that nobody asks for are ignored. Rounds
/// config.embedding_scale to the table's type where the family does so.
Weights bind_weights(ModelConfig& config, const TensorNames& names, TensorSource& source);

}  // namespace cajal
