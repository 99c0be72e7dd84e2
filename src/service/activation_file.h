// Activations from a file of tensors, as the layers of a dictionary read them. Private to this
// folder.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dictionary/dictionary.h"
#include "io/safetensors.h"

namespace cajal {

/// Matrices in a safetensors file.
class ActivationFile {
 public:
  explicit ActivationFile(const std::string& path) : file_(Safetensors::open(path)) {}

  /// The tensor as [tokens, width] for each of `layers` layers: with an axis for layers first if
  /// there are several; axes between tokens and the end (heads) count as columns. An empty name:
  /// the only tensor. Throws NotFound and InvalidArgument, naming the tensor and shapes.
  std::vector<ConstMatRef> matrices(const std::string& name, std::size_t layers,
                                    std::size_t width) const;

  /// Whether the tensor is [layers, tokens, width].
  bool has_layers(const std::string& name, std::size_t layers, std::size_t width) const;

 private:
  const StoredTensor& tensor(const std::string& name) const;

  std::shared_ptr<const Safetensors> file_;
};

}  // namespace cajal
