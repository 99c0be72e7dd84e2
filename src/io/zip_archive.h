// A zip archive in memory, read one whole entry at a time. Private to this folder: .npz and torch's
// .pt files are such archives.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tensor/matrix.h"

namespace cajal {

/// Any number of threads may read (they take turns).
class ZipArchive {
 public:
  /// `kind` is what the file should be, for messages: ".npz". The bytes must outlive the object
  /// unless `owner` keeps them. Throws CorruptData naming `name`.
  ZipArchive(std::span<const std::byte> bytes, std::string name, std::string_view kind,
             std::shared_ptr<const void> owner);
  ~ZipArchive();
  ZipArchive(const ZipArchive&) = delete;
  ZipArchive& operator=(const ZipArchive&) = delete;

  /// In the order of the archive; a name may occur twice.
  const std::vector<std::string>& entries() const noexcept { return entries_; }
  const std::string& name() const noexcept { return name_; }

  struct Unpacked {
    Buffer bytes;
    std::size_t size = 0;
  };
  /// The bytes of entry `index`, which messages call `where`. Throws CorruptData, Unsupported
  /// (another compression, encryption), or ResourceExhausted for one that claims to unpack to more
  /// than 64 MiB and 100 times its packed size.
  Unpacked read(std::size_t index, const std::string& where) const;

 private:
  struct Library;  // what the zip library needs
  std::string name_;
  std::shared_ptr<const void> owner_;
  std::size_t file_size_ = 0;
  std::vector<std::string> entries_;
  mutable std::mutex mutex_;  // guards library_
  std::unique_ptr<Library> library_;
};

}  // namespace cajal
