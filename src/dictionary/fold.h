// Norms and scales of dictionaries folded into their weights.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "dictionary/dictionary.h"

namespace cajal {

/// The Euclidean norm of each row of a decoder (in a CLT: over all layers it writes to),
/// [features].
std::vector<float> decoder_norms(ConstMatRef w_dec);

/// The same dictionary with decoder rows of norm 1: with n the norm of a feature's row, the row is
/// divided by n, and its encoder row, b_enc and threshold are multiplied by n, so activations are n
/// times as large and reconstructions stay. Rows of zeros stay as they are. A feature_scale is
/// folded too, first. TopK, AbsTopK, BatchTopK and GroupMax rank by h, which changes:
/// InvalidArgument, unless the layer's feature_scale makes the ranks those of h * n anyway. Weights
/// become F32.
std::shared_ptr<const Dictionary> fold_decoder_norms(std::shared_ptr<const Dictionary> dictionary);

/// The same dictionary for inputs as they come: where input_scale is not 1, weights, b_dec and
/// pre-bias take it over (weights become F32). Does nothing else.
std::shared_ptr<const Dictionary> fold_input_scale(std::shared_ptr<const Dictionary> dictionary);

/// The same dictionary without pre-biases: b_enc takes over what the encoder made of them.
std::shared_ptr<const Dictionary> fold_pre_bias(
    const std::shared_ptr<const Dictionary>& dictionary);

/// The same dictionary without feature_scale: weights and b_enc take it over (and become F32);
/// activations keep their units.
std::shared_ptr<const Dictionary> fold_feature_scale(std::shared_ptr<const Dictionary> dictionary);

/// The same dictionary with TopK and BatchTopK layers as JumpReLU with `thresholds`, one for each
/// layer; what is not TopK or BatchTopK stays. Formats whose readers know no TopK need this.
std::shared_ptr<const Dictionary> as_jump_relu(std::shared_ptr<const Dictionary> dictionary,
                                               std::span<const float> thresholds);

}  // namespace cajal
