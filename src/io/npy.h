// NumPy's .npy files, versions 1 to 3: one array each.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/file.h"
#include "io/tensor.h"

namespace cajal {

/// An array, in place where it can be. Immutable: any number of threads may read.
class Npy {
 public:
  /// Throws NotFound, CorruptData, or Unsupported (an element type that DType lacks, big-endian
  /// bytes, columns first with more than two axes), naming file, field and offset.
  static std::shared_ptr<const Npy> open(const std::filesystem::path& path);
  /// A file in memory. `owner` is kept as long as the object; without it the bytes must outlive it.
  static std::shared_ptr<const Npy> parse(std::span<const std::byte> bytes, std::string name,
                                          std::shared_ptr<const void> owner = nullptr);

  /// Always rows first: a matrix that is stored columns first has been copied. Its name is that in
  /// the .npz it comes from, else empty.
  const StoredTensor& tensor() const noexcept { return tensor_; }

 private:
  friend class Npz;
  Npy() = default;
  static std::shared_ptr<Npy> read(std::span<const std::byte> bytes, std::string name,
                                   std::shared_ptr<const void> owner);
  void set_elements(std::span<const std::byte> data, DType dtype, bool columns_first);

  std::shared_ptr<const std::string> name_;
  StoredTensor tensor_;
  std::vector<Buffer> owned_;
  std::shared_ptr<const void> owner_;
};

/// The bytes before the elements of a version 1 file. Throws Unsupported for BF16, which NumPy
/// lacks.
std::string npy_header(DType dtype, std::span<const std::size_t> shape);

/// Writes whole or not at all. `shape` is [rows, cols] unless given.
void write_npy(const std::filesystem::path& path, ConstMatRef matrix,
               const std::optional<std::vector<std::size_t>>& shape = std::nullopt);

}  // namespace cajal
