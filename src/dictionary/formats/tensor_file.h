// The tensors of one file, whatever its container: safetensors, .npz, or torch's .pt and .pth.
// Private to src/dictionary.
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

/// Immutable. Views of its tensors are valid as long as it is.
class TensorFile {
 public:
  /// Whether the name ends as one of the containers' do.
  static bool is_one(const std::filesystem::path& path);
  /// Throws what reading the container throws, and Unsupported for another ending.
  static std::shared_ptr<const TensorFile> open(const std::filesystem::path& path);

  /// nullptr if there is none.
  const StoredTensor* find(std::string_view name) const noexcept;
  /// Throws CorruptData naming the file.
  const StoredTensor& at(std::string_view name) const;
  /// Whether it has all of these tensors.
  bool has(std::initializer_list<std::string_view> names) const noexcept;
  /// Throws Unsupported for a tensor whose name is none of these, since ignoring it could be wrong.
  void allow_only(std::initializer_list<std::string_view> names) const;
  /// What a .pt file holds besides tensors; an empty object elsewhere.
  const Json& values() const noexcept { return values_; }
  const std::string& name() const noexcept { return name_; }

 private:
  TensorFile() = default;

  std::string name_;
  std::vector<const StoredTensor*> tensors_;
  Json values_ = Json::object({});
  std::vector<std::shared_ptr<const void>> owners_;
};

}  // namespace cajal
