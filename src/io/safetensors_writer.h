// Writes safetensors files: the header first, then each tensor as it is given; the file appears
// whole at commit() or not at all.
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "io/safetensors.h"
#include "tensor/matrix.h"

namespace cajal {

/// What a file is to hold, said before its elements are known.
struct TensorSpec {
  std::string name;
  DType dtype = DType::F32;
  std::vector<std::size_t> shape;
};

/// For tensors that are not in memory all at once. Not for several threads.
class SafetensorsWriter {
 public:
  /// Writes the header. Throws InvalidArgument (a name twice, or the name "__metadata__", a shape
  /// too large) or what AtomicFile throws.
  SafetensorsWriter(const std::filesystem::path& path, std::vector<TensorSpec> specs,
                    const StringPairs& metadata = {});

  /// In the order in which the elements must come: wider types first, then by name, as the
  /// reference writes them, so that every tensor is aligned.
  std::span<const TensorSpec> order() const noexcept { return specs_; }
  /// The next elements, row by row, of the next tensors; they must have the tensor's type and not
  /// run past its end. `name` is that tensor, so that a wrong order is found.
  void write(std::string_view name, ConstMatRef elements);
  /// Throws InvalidArgument if elements are missing.
  void commit();

 private:
  void finish_empty();

  AtomicFile file_;
  std::string path_;
  std::vector<TensorSpec> specs_;
  std::size_t current_ = 0;
  std::size_t left_ = 0;  // bytes that the current tensor still lacks
};

/// SafetensorsWriter in one call.
void write_safetensors(const std::filesystem::path& path, std::span<const NamedMatrix> tensors,
                       const StringPairs& metadata = {});

}  // namespace cajal
