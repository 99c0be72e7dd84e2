// torch's .pt and .pth files, safely: a zip archive of a pickle and the storages it refers to.
//
// The pickle is read by pickle.h, which executes nothing. Files of torch before 1.6 are no zip
// archives and are refused.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "io/json.h"
#include "io/tensor.h"

namespace cajal {

/// Immutable: any number of threads may read.
class TorchFile {
 public:
  /// Throws NotFound, CorruptData, Unsupported or ResourceExhausted (it would take more than 256
  /// MiB and four times its own size), naming the file and the member, tensor or offset.
  static std::shared_ptr<const TorchFile> open(const std::filesystem::path& path);
  /// A file in memory, which is not needed afterwards.
  static std::shared_ptr<const TorchFile> parse(std::span<const std::byte> bytes, std::string name);

  /// In the order of the pickle. The name is the keys that lead to a tensor, joined by dots. What
  /// is not stored row by row has been copied to be.
  std::span<const StoredTensor> tensors() const noexcept { return tensors_; }
  /// nullptr if there is none.
  const StoredTensor* find(std::string_view name) const noexcept;
  /// Everything else, nested as in the pickle; null in a list where a tensor is.
  const Json& values() const noexcept { return values_; }
  const std::string& name() const noexcept { return *name_; }

 private:
  TorchFile() = default;

  std::shared_ptr<const std::string> name_;  // StoredTensor::file points to it
  std::vector<StoredTensor> tensors_;
  Json values_;
  std::vector<Buffer> owned_;
};

}  // namespace cajal
