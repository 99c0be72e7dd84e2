// safetensors: eight bytes of header length, a JSON header, then the tensors' bytes.
//
// Files are mapped and nothing is copied (but see make_viewable). Everything that the reference
// implementation refuses is refused here: the tensors must cover the data without holes or
// overlaps.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/file.h"
#include "io/tensor.h"

namespace cajal {

using StringPairs = std::vector<std::pair<std::string, std::string>>;

/// One file, or the shards of an index shown as one. Immutable: any number of threads may read.
class Safetensors {
 public:
  /// A .safetensors file, a *.safetensors.index.json, or a folder with model.safetensors or
  /// model.safetensors.index.json. Throws NotFound, CorruptData or Unsupported, naming file, tensor
  /// and offset.
  static std::shared_ptr<const Safetensors> open(const std::filesystem::path& path);
  /// A file in memory. `owner` is kept as long as the object; without it the bytes must outlive it.
  static std::shared_ptr<const Safetensors> parse(std::span<const std::byte> bytes,
                                                  std::string name,
                                                  std::shared_ptr<const void> owner = nullptr);

  /// In the order of the file's offsets; shards in the order of their names, of each only what the
  /// index says it holds.
  std::span<const StoredTensor> tensors() const noexcept { return tensors_; }
  /// nullptr if there is none.
  const StoredTensor* find(std::string_view name) const;
  /// Throws NotFound naming the file.
  const StoredTensor& at(std::string_view name) const;
  /// "__metadata__" (of the first shard), in the order of the file.
  const StringPairs& metadata() const noexcept { return metadata_; }
  /// The path, or what the bytes were called.
  const std::string& name() const noexcept { return *name_; }

 private:
  Safetensors() = default;
  static std::shared_ptr<const Safetensors> open_index(const std::filesystem::path& path);
  void index_names();

  std::shared_ptr<const std::string> name_;  // StoredTensor::file points to it
  std::vector<StoredTensor> tensors_;
  std::unordered_map<std::string_view, std::size_t> by_name_;
  StringPairs metadata_;
  std::vector<Buffer> owned_;
  std::vector<std::shared_ptr<const void>> owners_;
};

}  // namespace cajal
