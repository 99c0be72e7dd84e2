// Files: read, map, and replace as a whole or not at all.
//
// Every system call that can fail on a full or broken disk goes through FileSystem, so that tests
// can make it fail.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace cajal {

/// The seam for tests. Each call returns 0, or the errno it failed with.
class FileSystem {
 public:
  virtual ~FileSystem() = default;
  virtual int write(int descriptor, std::span<const std::byte> bytes);
  virtual int sync(int descriptor);
  virtual int rename(const std::filesystem::path& from, const std::filesystem::path& to);
};

/// The one in use; tests replace it with a FileSystemGuard. Not to be changed while files are
/// being written.
FileSystem& file_system() noexcept;

/// Puts `replacement` in use for its lifetime.
class FileSystemGuard {
 public:
  explicit FileSystemGuard(FileSystem& replacement) noexcept;
  FileSystemGuard(const FileSystemGuard&) = delete;
  FileSystemGuard& operator=(const FileSystemGuard&) = delete;
  ~FileSystemGuard();

 private:
  FileSystem* previous_;
};

/// A whole file, mapped read-only; pages are read when touched. The bytes stay valid as long as
/// the object (move it into a shared_ptr to share them). An empty file gives an empty span.
class MappedFile {
 public:
  /// Throws NotFound or InvalidArgument (a folder, no permission), naming the path.
  static std::shared_ptr<const MappedFile> open(const std::filesystem::path& path);
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  std::span<const std::byte> bytes() const noexcept { return bytes_; }
  const std::filesystem::path& path() const noexcept { return path_; }

 private:
  MappedFile(std::span<const std::byte> bytes, std::filesystem::path path);
  std::span<const std::byte> bytes_;
  std::filesystem::path path_;
};

/// Lets go of the memory that holds the whole pages within `bytes`, which must be of a MappedFile;
/// they are read from the file again when touched. For what has been copied elsewhere.
void give_back_pages(std::span<const std::byte> bytes) noexcept;

/// The whole file as text. Throws NotFound, InvalidArgument, or ResourceExhausted if it is larger
/// than `limit` bytes.
std::string read_file(const std::filesystem::path& path,
                      std::uint64_t limit = std::uint64_t{1} << 32U);

/// The same of anything but a folder: a pipe is read to its end, which may mean to wait.
std::string read_stream(const std::filesystem::path& path,
                        std::uint64_t limit = std::uint64_t{1} << 32U);

/// Throws InvalidArgument if something other than a regular file (or a link to one) is there: a
/// folder, pipe or device is nothing to replace.
void check_replaceable(const std::filesystem::path& path);

/// Removes the temporary files of every AtomicFile that lives, for a program that ends at once.
/// For any thread, but not for a signal handler.
void remove_temporary_files() noexcept;

/// Removes the temporary files in `folder` that AtomicFiles of other processes left, which were
/// killed and are no more. No folder: nothing to do.
void remove_left_overs(const std::filesystem::path& folder);

/// Writes a file that appears whole or not at all: bytes go to a temporary file beside it, commit()
/// syncs and renames it. Without commit() the destructor removes the temporary file and the old
/// file stays as it was. A link stays, and what it leads to is replaced; a file that was there
/// keeps its permissions, a new one gets what the umask leaves.
class AtomicFile {
 public:
  /// Throws as check_replaceable, and if the folder does not exist or cannot be written.
  explicit AtomicFile(std::filesystem::path path);
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile();

  /// Throws ResourceExhausted, naming the path and the reason (disk full, quota).
  void write(std::span<const std::byte> bytes);
  void write(std::string_view text);
  void commit();

 private:
  std::filesystem::path path_;
  std::filesystem::path target_;  // path_, links followed
  std::filesystem::path temporary_;
  int descriptor_ = -1;
};

/// AtomicFile in one call.
void write_file(const std::filesystem::path& path, std::string_view text);

}  // namespace cajal
