// A randomly initialised copy of a model: what a dictionary learned on it explains is not due to
// anything the model learned (Heap et al. 2025, "Sparse autoencoders can interpret randomly
// initialized transformers").
#pragma once

#include <cstdint>
#include <filesystem>

namespace cajal {

/// Writes a Hugging Face folder beside which nothing else is needed: the files of `model` as they
/// are, but in place of each matrix of its weights normal numbers of the same mean square, in the
/// same type, from (seed, name of the tensor). Vectors (gains of norms, biases) stay: they say how
/// large activations are. One tensor is in memory at a time. A folder that is such a copy already,
/// of the same weights with the same seed, stays as it is. Throws Unsupported unless `model` is a
/// folder with safetensors, InvalidArgument if `folder` holds another model.
void write_random_copy(const std::filesystem::path& model, const std::filesystem::path& folder,
                       std::uint64_t seed);

}  // namespace cajal
