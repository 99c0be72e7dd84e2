// What writers of dictionaries share. Private to src/dictionary.
#pragma once

#include <string>
#include <vector>

#include "dictionary/save.h"
#include "io/tensor.h"

namespace cajal {

/// Tensors of one file, with the memory of those that had to be made.
class TensorList {
 public:
  /// Matrices in their own type, but F64 as F32; `transposed` says that the file wants the
  /// transpose of what a StoredMatrix means.
  void add(std::string name, const StoredMatrix& matrix, Transpose transposed = Transpose::No);
  void add(std::string name, std::span<const float> values);
  /// Gives the last one another shape, of as many elements.
  void reshape(std::vector<std::size_t> shape) { tensors_.back().shape = std::move(shape); }
  std::span<const NamedMatrix> tensors() const noexcept { return tensors_; }

 private:
  std::vector<NamedMatrix> tensors_;
  std::vector<Matrix> made_;
};

/// The name of a point as TransformerLens has it, with "blocks.N." before it where the point has a
/// layer: a layer's input_point or output_point. Empty stays empty.
std::string hook_of(const std::string& point, const SaveOptions& options);

/// Throws InvalidArgument saying that `format` cannot hold `what` of this dictionary's layer.
[[noreturn]] void fail_format(const Dictionary& dictionary, const DictionaryLayer& layer,
                              std::string_view format, std::string_view what);

/// A threshold below 0 means nothing where what is negative is dropped.
std::vector<float> thresholds_from_zero(const ActivationFunction& activation);

}  // namespace cajal
