// From activations to features and back.
//
// Sums are made in the backend's activation type in a fixed order: any number of threads gives the
// same bits, and so does any division of the rows among calls (but for BatchTopK, which selects
// among all rows of a call). Needs a backend on the host.
#pragma once

#include <span>
#include <vector>

#include "dictionary/dictionary.h"
#include "ops/backend.h"
#include "tensor/sparse_rows.h"

namespace cajal {

/// Features of layers()[index] that fire on x [rows, d_in] (any float type): [rows, features].
/// Memory: blocks of pre-activations and what fires, never [rows, features]. Throws InvalidArgument
/// if x has another width, naming both, and CorruptData if a pre-activation is not finite, naming
/// layer and feature.
SparseRows encode(Backend& backend, const Dictionary& dictionary, std::size_t index, ConstMatRef x,
                  Precision precision = Precision::F32);

/// What the activation function of layers()[index] gets, feature_scale included (b_enc not where it
/// is Gated): [rows, features] of the backend's activation type. Throws as encode() does.
Matrix preactivations(Backend& backend, const Dictionary& dictionary, std::size_t index,
                      ConstMatRef x, Precision precision = Precision::F32);

/// The reconstruction of layers()[target]'s output, into `out` [rows, d_out] of the backend's
/// activation type. `codes` are by layer, as encode() gives them; those of sources_of(target) are
/// read. `x` [rows, d_in] is the input of layers()[target], for skip paths and for undoing a
/// scaling; it may be absent for layers that have neither (needs_input). Throws InvalidArgument for
/// shapes that do not fit.
void decode(Backend& backend, const Dictionary& dictionary, std::size_t target,
            std::span<const SparseRows> codes, ConstMatRef x, MatRef out);

/// What an activation of layers()[source] is multiplied with before decoder_row() of it is added to
/// the output of layers()[target]: 1 unless activations or inputs are scaled. `x` [1, d_in] is the
/// row of layers()[target]'s input, looked at where its scale is undone token by token.
double decoder_factor(const Dictionary& dictionary, std::size_t source, std::size_t feature,
                      std::size_t target, ConstMatRef x);

/// Whether decode() looks at the layer's input.
bool needs_input(const DictionaryLayer& layer) noexcept;

}  // namespace cajal
