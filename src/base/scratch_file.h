// Memory for what may be larger than the machine's: a file without a name, mapped.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

namespace cajal {

/// TMPDIR, else /tmp, whether it is there or not: the constructor below says so.
std::filesystem::path scratch_folder();

/// Writable memory that the system may write out to the disk and take back. The file is gone with
/// the object, or with the process.
class ScratchFile {
 public:
  /// All zeros. The room on the disk is taken at once, so that none can be missing later. Throws
  /// ResourceExhausted or what opening a file in `folder` throws, naming the folder.
  ScratchFile(const std::filesystem::path& folder, std::size_t bytes);
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;
  ~ScratchFile();

  /// Valid until grow().
  std::span<std::byte> bytes() const noexcept { return bytes_; }
  /// Keeps what is there. Throws as the constructor does; then nothing changed.
  void grow(std::size_t bytes);

 private:
  std::filesystem::path folder_;
  int descriptor_ = -1;
  std::span<std::byte> bytes_;
};

}  // namespace cajal
