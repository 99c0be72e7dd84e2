// Keeps two processes from writing to one folder at the same time.
#pragma once

#include <filesystem>
#include <optional>

namespace cajal {

/// Holds a folder as long as it lives. The system lets go of it when the process ends, however that
/// ends, and nothing is left in the folder.
class FolderLock {
 public:
  /// nullopt if somebody else holds it, in this process or another. Where the file system has no
  /// locks everybody gets one. Throws NotFound or InvalidArgument if it is no folder to be read.
  static std::optional<FolderLock> take(const std::filesystem::path& folder);
  FolderLock(FolderLock&& other) noexcept;
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(FolderLock&&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;
  ~FolderLock();

 private:
  explicit FolderLock(int descriptor) noexcept : descriptor_(descriptor) {}
  int descriptor_;  // of the folder; -1: moved from
};

}  // namespace cajal
