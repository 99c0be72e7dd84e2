#include "base/file.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

namespace cajal {
namespace {

FileSystem real_file_system;
FileSystem* current_file_system = &real_file_system;

/// A descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) {
      ::close(fd_);
    }
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

[[noreturn]] void fail_errno(const std::filesystem::path& path, int error, std::string_view doing) {
  const ErrorCode code = error == ENOENT || error == ENOTDIR ? ErrorCode::NotFound
                         : error == ENOSPC || error == EDQUOT || error == EMFILE || error == ENOMEM
                             ? ErrorCode::ResourceExhausted
                             : ErrorCode::InvalidArgument;
  fail(code, "{}: cannot {}: {}", path.string(), doing, std::strerror(error));
}

int open_to_read(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    fail_errno(path, errno, "open");
  }
  return fd;
}

/// Size of a regular file; anything else (a folder, a pipe) is an error.
std::size_t regular_size(int fd, const std::filesystem::path& path) {
  struct stat info{};
  if (::fstat(fd, &info) != 0) {
    fail_errno(path, errno, "read");
  }
  if (!S_ISREG(info.st_mode)) {
    fail(ErrorCode::InvalidArgument, "{}: is not a regular file; give the path of a file",
         path.string());
  }
  return static_cast<std::size_t>(info.st_size);
}

void sync_folder(const std::filesystem::path& folder) {
  const Descriptor fd(::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY));
  if (fd.get() >= 0) {
    ::fsync(fd.get());  // a file system that cannot sync folders is no reason to fail
  }
}

}  // namespace

int FileSystem::write(int descriptor, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(descriptor, bytes.data(), bytes.size());
    if (n < 0 && errno != EINTR) {
      return errno;
    }
    bytes = bytes.subspan(n < 0 ? 0 : static_cast<std::size_t>(n));
  }
  return 0;
}

int FileSystem::sync(int descriptor) {
  return ::fsync(descriptor) == 0 ? 0 : errno;
}

int FileSystem::rename(const std::filesystem::path& from, const std::filesystem::path& to) {
  return std::rename(from.c_str(), to.c_str()) == 0 ? 0 : errno;
}

FileSystem& file_system() noexcept {
  return *current_file_system;
}

FileSystemGuard::FileSystemGuard(FileSystem& replacement) noexcept
    : previous_(current_file_system) {
  current_file_system = &replacement;
}

FileSystemGuard::~FileSystemGuard() {
  current_file_system = previous_;
}

std::shared_ptr<const MappedFile> MappedFile::open(const std::filesystem::path& path) {
  const Descriptor fd(open_to_read(path));
  const std::size_t size = regular_size(fd.get(), path);
  std::span<const std::byte> bytes;
  if (size != 0) {
    void* memory = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd.get(), 0);
    if (memory == MAP_FAILED) {
      fail_errno(path, errno, "map into memory");
    }
    bytes = {static_cast<const std::byte*>(memory), size};
  }
  return std::shared_ptr<const MappedFile>(new MappedFile(bytes, path));
}

MappedFile::MappedFile(std::span<const std::byte> bytes, std::filesystem::path path)
    : bytes_(bytes), path_(std::move(path)) {}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) {
    ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());  // NOLINT: munmap takes void*
  }
}

void give_back_pages(std::span<const std::byte> bytes) noexcept {
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto begin = (reinterpret_cast<std::uintptr_t>(bytes.data()) + page - 1) / page * page;
  const auto end = (reinterpret_cast<std::uintptr_t>(bytes.data()) + bytes.size()) / page * page;
  if (begin < end) {
    ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);  // NOLINT: an address
  }
}

std::string read_file(const std::filesystem::path& path, std::uint64_t limit) {
  const Descriptor fd(open_to_read(path));
  const std::size_t size = regular_size(fd.get(), path);
  if (size > limit) {
    fail(ErrorCode::ResourceExhausted, "{}: has {} bytes, more than the {} that are read here",
         path.string(), size, limit);
  }
  std::string text(size, '\0');
  std::size_t done = 0;
  while (done < size) {
    const ssize_t n = ::read(fd.get(), text.data() + done, size - done);
    if (n < 0 && errno != EINTR) {
      fail_errno(path, errno, "read");
    }
    if (n == 0) {
      break;  // it shrank while we read it
    }
    done += n < 0 ? 0 : static_cast<std::size_t>(n);
  }
  text.resize(done);
  return text;
}

AtomicFile::AtomicFile(std::filesystem::path path) : path_(std::move(path)) {
  std::string name =
      (path_.parent_path() / fmt::format(".{}.XXXXXX", path_.filename().string())).string();
  descriptor_ = ::mkostemp(name.data(), O_CLOEXEC);
  if (descriptor_ < 0) {
    fail_errno(path_, errno, "create a file in its folder");
  }
  temporary_ = name;
  ::fchmod(descriptor_, 0644);
}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) {
    ::close(descriptor_);
    ::unlink(temporary_.c_str());
  }
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  if (const int error = file_system().write(descriptor_, bytes); error != 0) {
    fail_errno(path_, error, "write");
  }
}

void AtomicFile::write(std::string_view text) {
  write(std::as_bytes(std::span(text.data(), text.size())));
}

void AtomicFile::commit() {
  if (const int error = file_system().sync(descriptor_); error != 0) {
    fail_errno(path_, error, "write");
  }
  if (const int error = file_system().rename(temporary_, path_); error != 0) {
    fail_errno(path_, error, "replace");
  }
  ::close(descriptor_);
  descriptor_ = -1;
  sync_folder(path_.parent_path());
}

void write_file(const std::filesystem::path& path, std::string_view text) {
  AtomicFile file(path);
  file.write(text);
  file.commit();
}

}  // namespace cajal
